// What the daemon finds, and what only this end of the connection can see: whether there is a daemon at all, of which
// version it is, and what of this shell's environment matters.
import { LOCAL_API } from '../../shared/api.ts';
import { QwexError } from '../../shared/errors.ts';
import type { Check, DaemonStatus, DoctorResponse } from '../../shared/schemas/local.ts';
import { VERSION } from '../../shared/version.ts';
import type { Context } from '../context.ts';
import { formatFinding, UNWELL_EXIT_CODE } from '../view/finding.ts';
import { mismatch } from '../view/versions.ts';

export async function examine(context: Context, { json }: { json?: boolean }): Promise<void> {
  const { terminal } = context;
  const checks = [...(await daemonChecks(context)), ...shellChecks(context.env)];
  if (json) terminal.printJson({ checks });
  else terminal.print(checks.map((check) => formatFinding(check, terminal.style)).join('\n'));
  if (checks.some(({ state }) => state === 'error')) context.exitCode = UNWELL_EXIT_CODE;
}

/** A daemon that can't be reached is a finding like any other: who asks a doctor wants to know why. */
async function daemonChecks({ runner, cwd }: Context): Promise<Check[]> {
  const client = await runner();
  try {
    const { checks } = await client.request<DoctorResponse>(LOCAL_API.doctor, { query: { cwd } });
    return [versions(await client.request<DaemonStatus>(LOCAL_API.status)), ...checks];
  } catch (error) {
    if (!(error instanceof QwexError) || error.code !== 'unreachable') throw error;
    const { message, hint } = error;
    return [{ name: 'daemon', state: 'error', message, ...(hint !== undefined && { hint }) }];
  }
}

function versions({ version, pid }: DaemonStatus): Check {
  const name = 'daemon';
  if (version === VERSION) return { name, state: 'ok', message: `qwex ${version}, pid ${pid}` };
  return { name, state: 'warning', ...mismatch(version) };
}

function shellChecks(env: NodeJS.ProcessEnv): Check[] {
  // The launcher has put it out of our own way.
  const options = env.QWEX_USER_NODE_OPTIONS;
  if (!options) return [];
  return [
    {
      name: 'NODE_OPTIONS',
      state: 'ok',
      message: `"${options}" is for your own programs: runs get it, qwex takes no notice of it`,
    },
  ];
}
