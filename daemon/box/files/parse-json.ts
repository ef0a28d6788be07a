// JSON that anybody may have written, against a schema. Never throws.
import type { z } from 'zod';

/** The value, or in words what is wrong with it. */
export function parseJson<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'it is not JSON';
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  return `${issue?.path.join('.') || 'it'} ${issue?.message ?? 'is not as it should be'}`;
}
