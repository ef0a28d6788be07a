// qwex artifacts: the files that a run left, as a table or downloaded.
import type { Command } from 'commander';
import { QwexError } from '../../shared/errors.ts';
import type { Artifact, ArtifactList } from '../../shared/schemas/run.ts';
import type { Context } from '../context.ts';
import { printable, quotePath } from '../view/quote.ts';
import type { Style } from '../view/style.ts';
import { type Column, formatTable } from '../view/table.ts';
import { count, formatBytes } from '../view/units.ts';

interface ArtifactFlags {
  download?: string;
  force?: boolean;
  json?: boolean;
}

export function register(program: Command, context: Context): Command {
  return program
    .command('artifacts')
    .summary('list or download the files of a run')
    .description('Lists the files that were kept from a run, or downloads them.')
    .argument('[id]', 'the run; the latest one by default', '@')
    .option('-d, --download <dir>', 'write them below this folder, with their paths')
    .option('--force', 'with --download: overwrite files')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  qwex artifacts @\n  qwex artifacts train --download results')
    .action((id: string, flags: ArtifactFlags) => artifacts(context, id, flags));
}

async function artifacts(context: Context, id: string, flags: ArtifactFlags): Promise<void> {
  const { terminal } = context;
  if (flags.force && flags.download === undefined) {
    throw new QwexError({
      code: 'usage',
      message: '--force goes with --download',
      hint: 'qwex artifacts --help',
    });
  }
  const runner = await context.runner();
  const run = await runner.get(id);
  const files = await runner.artifacts(run.id);
  if (flags.download !== undefined) {
    const { downloadCommand } = await import('../download/command.ts');
    return downloadCommand(context, { run, files, directory: flags.download, ...flags });
  }
  if (flags.json) return terminal.printJson(files);
  if (files.artifacts.length > 0) terminal.print(formatArtifacts(files.artifacts, terminal.style));
  else
    terminal.note(
      run.finishedAt === null ? 'no artifacts yet: they are kept when the run ends' : 'no artifacts',
    );
  for (const note of notesOf(files)) terminal.note(note);
}

function formatArtifacts(artifacts: readonly Artifact[], style: Style): string {
  const columns: Column<Artifact>[] = [
    { title: 'SIZE', value: ({ sizeBytes }) => formatBytes(sizeBytes), align: 'right' },
    {
      title: 'PATH',
      value: ({ path, target }) => quotePath(path) + (target === undefined ? '' : ` -> ${quotePath(target)}`),
    },
  ];
  return formatTable(artifacts, columns, { paintTitle: style.dim });
}

function notesOf({ skipped, left }: ArtifactList): string[] {
  return [
    ...skipped.map(({ path, reason }) => `not kept: ${quotePath(path)}: ${printable(reason)}`),
    ...left.map(
      ({ path, files, sizeBytes }) =>
        `left over: ${quotePath(path)} (${count(files, 'file')}, ${formatBytes(sizeBytes)}), in the run's left/ for 7 days`,
    ),
  ];
}
