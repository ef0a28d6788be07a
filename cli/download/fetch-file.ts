// One artifact to one file: complete and with the right checksum, or not there at all.
import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { LocalRunner } from '../../shared/client/local-runner.ts';
import { QwexError } from '../../shared/errors.ts';
import type { Artifact } from '../../shared/schemas/run.ts';
import { quotePath } from '../view/quote.ts';
import type { Destination } from './destination.ts';

export interface FetchFile {
  runner: Pick<LocalRunner, 'openArtifact'>;
  runId: string;
  artifact: Artifact;
  destination: Destination;
  onBytes: (bytes: number) => void;
}

/** Throws `internal` when what arrived is not what the manifest says; nothing is left behind then. */
export async function fetchFile(fetch: FetchFile): Promise<void> {
  const { artifact, destination } = fetch;
  const place = await destination.prepare(artifact.path);
  const partial = Buffer.concat([place, Buffer.from(`.qwex-${randomBytes(4).toString('hex')}`)]);
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const file = await open(partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    const { sha256, sizeBytes } = await receive(fetch, file);
    if (sizeBytes !== artifact.sizeBytes || (artifact.sha256 !== null && sha256 !== artifact.sha256)) {
      throw new QwexError({
        code: 'internal',
        message: `${quotePath(artifact.path)} arrived damaged: its size or checksum is not that of the manifest`,
        hint: 'try again; if it stays so, the file in the run folder was changed after the run',
        details: { path: artifact.path, expected: artifact.sha256, received: sha256 },
      });
    }
    await file.chmod(artifact.mode & 0o777);
    await file.close();
    await rename(partial, place);
  } catch (error) {
    await file.close();
    await rm(partial, { force: true });
    throw error;
  }
}

async function receive(
  { runner, runId, artifact, onBytes }: FetchFile,
  file: FileHandle,
): Promise<{ sha256: string; sizeBytes: number }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of await runner.openArtifact(runId, artifact.path)) {
    const data = chunk as Buffer;
    hash.update(data);
    sizeBytes += data.length;
    await file.writeFile(data);
    onBytes(data.length);
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}
