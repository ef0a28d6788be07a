// `qwex artifacts --download`: checks everything first, then downloads, with progress for a person.
import { resolve } from 'node:path';
import { QwexError } from '../../shared/errors.ts';
import type { ArtifactList, Run } from '../../shared/schemas/run.ts';
import type { Context } from '../context.ts';
import { Progress } from '../view/progress.ts';
import { quotePath } from '../view/quote.ts';
import { count, formatBytes } from '../view/units.ts';
import { Destination } from './destination.ts';
import { fetchFile } from './fetch-file.ts';

export interface Download {
  run: Run;
  files: ArtifactList;
  directory: string;
  force?: boolean;
  json?: boolean;
}

export async function downloadCommand(context: Context, download: Download): Promise<void> {
  const { terminal } = context;
  const { run, directory, force = false, json = false } = download;
  const { artifacts } = download.files;
  const target = resolve(context.cwd, directory);
  const destination = await Destination.open(target);
  if (!force)
    await refuseExisting(
      destination,
      artifacts.map(({ path }) => path),
      directory,
    );
  const runner = await context.runner();
  const totalBytes = artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const progress = new Progress(terminal, totalBytes);
  try {
    for (const artifact of artifacts.filter(({ type }) => type === 'file')) {
      await fetchFile({ runner, runId: run.id, artifact, destination, onBytes: (n) => progress.add(n) });
    }
    // Links last: no file is ever written through one of them.
    for (const { path, target: to = '' } of artifacts.filter(({ type }) => type === 'symlink'))
      await destination.link(path, to);
  } finally {
    progress.clear();
  }
  if (json) terminal.printJson({ directory: target, artifacts });
  else
    terminal.print(
      `${count(artifacts.length, 'file')}, ${formatBytes(totalBytes)} in ${quotePath(directory)}`,
    );
}

const MOST_NAMED = 5;

async function refuseExisting(
  destination: Destination,
  paths: readonly string[],
  directory: string,
): Promise<void> {
  const existing: string[] = [];
  for (const path of paths) if (await destination.exists(path)) existing.push(path);
  if (existing.length === 0) return;
  const named = existing.slice(0, MOST_NAMED).map(quotePath).join(', ');
  const more = existing.length > MOST_NAMED ? ` and ${existing.length - MOST_NAMED} more` : '';
  throw new QwexError({
    code: 'conflict',
    message: `${quotePath(directory)} already has ${named}${more}; nothing was downloaded`,
    hint: 'choose another folder, or overwrite them with --force',
    details: { existing },
  });
}
