// The content of a job: everything that decides what would be executed, and nothing about one execution of it.
import { createHash } from 'node:crypto';
import type { Resources } from './schemas/run.ts';

export interface Recipe {
  workspace: string;
  /** Full commit id. */
  commit: string;
  /** Directory of the command, relative to the workspace's root; empty at the root. */
  subdir: string;
  command: string[];
  /** Names (never values) of the variables set on purpose for the run. */
  envNames: string[];
  runner: string;
  resources: Resources;
  scriptSha256: string;
  /** Whether a layer can re-attach to its work after this host has gone down. */
  resumable: boolean;
  links: string[];
  submodules: boolean;
  artifacts: { watch: string[]; ignore: string[]; maxFileBytes: number };
}

/** A recipe in the one spelling that is hashed: keys in order at every level, no white space. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** A job's id: the SHA-256 of its canonical recipe, in hex. */
export function jobIdOf(recipe: Recipe): string {
  return sha256(canonicalJson(recipe));
}

/** SHA-256 in hex of a text's UTF-8 or of bytes. */
export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
