// The environment that a run starts with: the submitter's, then what the config and the command line set on purpose.
import { QwexError } from '../../shared/errors.ts';
import { shortId } from '../../shared/ids.ts';
import { CONFIG_PATH, parseWorkspaceConfig, ROOT_CONFIG_PATH, type SourceFile } from '../config/index.ts';
import type { RunRecord } from '../store/record.ts';

/** Variables of the submitter's session that would mislead a run elsewhere or later. */
const DROPPED = new Set([
  '_',
  'PWD',
  'OLDPWD',
  'SHLVL',
  'TMUX',
  'TMUX_PANE',
  'STY',
  'WINDOW',
  'SSH_TTY',
  'SSH_CONNECTION',
  'SSH_CLIENT',
  'COLUMNS',
  'LINES',
]);

export function runEnvironment(
  submitter: Readonly<Record<string, string>>,
  onPurpose: Readonly<Record<string, string>>,
): Record<string, string> {
  const inherited = Object.entries(submitter).filter(([name]) => !DROPPED.has(name) && !isOfAnotherRun(name));
  return { ...Object.fromEntries(inherited), ...onPurpose };
}

/**
 * A run submitted from inside a run, or from a git hook, must not take that one's identity or repository. QWEX_HOME
 * stays: a run that submits runs means its own queue, and not that of ~/.qwex.
 */
function isOfAnotherRun(name: string): boolean {
  return (
    /^QWEX_(RUN_ID|RUN_DIR|WORKSPACE|COMMIT|GPUS)$/.test(name) ||
    /^GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|OBJECT_DIRECTORY|COMMON_DIR)$/.test(name)
  );
}

/**
 * The environment of a rerun: who asks for it, and what the config of the first run set. Throws `conflict` when a
 * variable was set by hand then and isn't there now, as its value wasn't kept.
 */
export function rerunEnvironment(
  run: Pick<RunRecord, 'id' | 'recipe'>,
  sources: string,
  submitter: Readonly<Record<string, string>>,
): Record<string, string> {
  const config = (JSON.parse(sources) as SourceFile[]).find(
    ({ path }) => path === CONFIG_PATH || path === ROOT_CONFIG_PATH,
  );
  const configured = config ? parseWorkspaceConfig(config).config.env : {};
  const missing = run.recipe.envNames.filter(
    (name) => configured[name] === undefined && submitter[name] === undefined,
  );
  if (missing.length > 0) {
    throw new QwexError({
      code: 'conflict',
      message: `run ${run.id} was given ${missing.join(', ')} by hand, and values are not kept`,
      hint: `set it again: ${missing.map((name) => `${name}=…`).join(' ')} qwex rerun ${shortId(run.id)}`,
    });
  }
  return runEnvironment(submitter, configured);
}
