// What differs between two runs beside their code, in words. Pure.
import { formatDuration } from '../../shared/duration.ts';
import type { DiffResponse } from '../../shared/schemas/local.ts';
import { commandLine } from '../compiler/index.ts';
import type { RunRecord } from '../store/record.ts';

export function differingFields(a: RunRecord, b: RunRecord): DiffResponse['fields'] {
  const [left, right] = [fieldsOf(a), fieldsOf(b)];
  return Object.keys(left)
    .filter((name) => left[name] !== right[name])
    .map((name) => ({ name, a: left[name] ?? null, b: right[name] ?? null }));
}

function fieldsOf({ recipe, phase, exitCode }: RunRecord): Record<string, string | null> {
  const { resources, artifacts } = recipe;
  return {
    command: commandLine(recipe.command),
    directory: recipe.subdir || null,
    commit: recipe.commit,
    runner: recipe.runner,
    GPUs:
      resources.gpus === 0 ? null : `${resources.gpus}${resources.gpuType ? ` ${resources.gpuType}` : ''}`,
    'time limit': resources.timeMs === null ? null : formatDuration(resources.timeMs),
    'variables set': recipe.envNames.join(', ') || null,
    links: recipe.links.join(', ') || null,
    'watched directories': artifacts.watch.join(', '),
    script: recipe.scriptSha256.slice(0, 12),
    result: exitCode === null ? phase : `${phase} (exit code ${exitCode})`,
  };
}
