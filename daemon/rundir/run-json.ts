// The shape of run.json: the whole record of a run, in the words of the daemon. Read again only to rebuild the index,
// so it is checked as closely as a request from outside: the folder may have been through anybody's hands.
import { z } from 'zod';
import type { Recipe } from '../../shared/recipe.ts';
import { END_REASONS, hasEnded, PHASES } from '../../shared/run-state.ts';
import { type Dependency, dependencySchema, resourcesSchema, shaSchema } from '../../shared/schemas/run.ts';
import type { RunRecord } from '../store/record.ts';

/** Version of what is written into run.json and meta/; a supervisor may outlive the daemon that started it. */
export const FOLDER_FORMAT = 1;

/** Who has a folder of a newer format in hand must leave it alone: it can't know what it would break. */
export function formatFault(json: unknown): string | null {
  const parsed = z.object({ format: z.number() }).safeParse(json);
  if (!parsed.success || parsed.data.format <= FOLDER_FORMAT) return null;
  return `it was written by a newer qwex (format ${parsed.data.format}, this one knows ${FOLDER_FORMAT})`;
}

export interface RunJson extends RunRecord {
  format: number;
  /** Whose run it is, in a home that several machines have; null in one that only this machine has. */
  machine: string | null;
  after: (Dependency & { met: boolean })[];
}

const id = z.string().regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'is not the id of a run');
const hash = z.string().regex(/^[0-9a-f]{64}$/, 'is not a hash');
const count = z.number().int().min(0);
const time = count.nullable();

const recipeSchema = z.strictObject({
  workspace: z.string(),
  commit: shaSchema,
  subdir: z.string(),
  command: z.array(z.string()).min(1),
  envNames: z.array(z.string()),
  runner: z.string(),
  resources: resourcesSchema,
  scriptSha256: hash,
  resumable: z.boolean(),
  links: z.array(z.string()),
  submodules: z.boolean(),
  artifacts: z.strictObject({
    watch: z.array(z.string()),
    ignore: z.array(z.string()),
    maxFileBytes: z.number(),
  }),
}) satisfies z.ZodType<Recipe>;

export const runJsonSchema = z
  .strictObject({
    format: z.literal(FOLDER_FORMAT),
    machine: z.string().nullable().default(null),
    seq: count,
    id,
    jobId: hash,
    recipe: recipeSchema,
    name: z.string().nullable(),
    root: z.string().startsWith('/'),
    commonDir: z.string().startsWith('/'),
    environment: hash,
    umask: z.number().int().min(0).max(0o777),
    phase: z.enum(PHASES),
    held: z.boolean(),
    unmet: count,
    priority: z.number().int(),
    retriesLeft: count,
    retryOf: id.nullable(),
    retriedBy: id.nullable(),
    attempt: count,
    bootId: z.string().nullable(),
    createdAt: count,
    claimedAt: time,
    startedAt: time,
    exitedAt: time,
    finishedAt: time,
    cancelRequestedAt: time,
    exitCode: z.number().int().nullable(),
    reason: z.enum(END_REASONS).nullable(),
    message: z.string().nullable(),
    devices: z.array(z.string()),
    notes: z.array(z.string()),
    givenNotes: count,
    artifactCount: count,
    artifactBytes: count,
    after: z.array(dependencySchema.extend({ met: z.boolean() })),
  })
  // What the database insists on; a record that breaks it was not written by us.
  .refine(
    ({ phase, finishedAt }) => hasEnded(phase) === (finishedAt !== null),
    'its phase and its end disagree',
  )
  .refine(({ phase, reason }) => !hasEnded(phase) || reason !== null, 'it has ended without a reason')
  .refine(({ phase, reason }) => hasEnded(phase) || phase === 'collecting' || reason === null, {
    error: 'it has a reason before its end',
  })
  .refine(
    ({ phase, startedAt }) => !['running', 'collecting', 'succeeded'].includes(phase) || startedAt !== null,
    {
      error: 'it has run without a start',
    },
  )
  .refine(
    ({ phase, exitCode }) => phase !== 'succeeded' || exitCode === 0,
    'it succeeded with another code than 0',
  )
  .refine(({ phase, held }) => phase === 'queued' || !held, 'it is held and not queued')
  .refine(({ phase, bootId }) => phase !== 'preparing' || bootId !== null, {
    error: 'it is being prepared in no boot',
  }) satisfies z.ZodType<RunJson>;
