// artifacts.json: what a run left behind, path by path. Must never be seen half-written.

import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../../shared/atomic-write.ts';
import { isErrno, messageOf, QwexError } from '../../shared/errors.ts';
import { artifactSchema, skippedSchema } from '../../shared/schemas/run.ts';

export type { Artifact } from '../../shared/schemas/run.ts';

/** Why a file of a watched directory was not kept. */
export const skipReasonSchema = z.enum([
  'too_large', // over the limit of bytes
  'fifo',
  'socket',
  'device',
  'symlinked_folder', // the way to a watched path goes through a symlink
  'too_deep', // more folders below one another than we hold open
  'unreadable', // the system refused; `detail` has its code
]);

const skippedFileSchema = skippedSchema.extend({
  reason: skipReasonSchema,
  detail: z.string().optional(),
});

export const manifestSchema = z.object({
  version: z.literal(1),
  artifacts: z.array(artifactSchema),
  skipped: z.array(skippedFileSchema),
  totals: z.object({
    files: z.int(),
    symlinks: z.int(),
    sizeBytes: z.int(),
    skipped: z.int(),
    /** Entries that matched an ignore pattern (a folder counts once). */
    ignored: z.int(),
    /** Files that the commit has just the same. */
    unchanged: z.int(),
  }),
});

export type SkipReason = z.infer<typeof skipReasonSchema>;
export type Skipped = z.infer<typeof skippedFileSchema>;
export type Manifest = z.infer<typeof manifestSchema>;

/** Replaces `file` as a whole, its content on the disk before its name, mode 0600. */
export async function writeManifest(file: string, manifest: Manifest): Promise<void> {
  await writeAtomically(file, `${JSON.stringify(manifest)}\n`, { sync: true });
}

/** The manifest, or null if the run has none (yet). Throws `internal` if the file is damaged. */
export async function readManifest(file: string): Promise<Manifest | null> {
  try {
    return manifestSchema.parse(JSON.parse(await fs.readFile(file, 'utf8')));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error;
    throw new QwexError({
      code: 'internal',
      message: `The list of artifacts ${file} is damaged: ${messageOf(error)}`,
      hint: `The files themselves are in ${dirname(file)}/files.`,
      cause: error,
    });
  }
}
