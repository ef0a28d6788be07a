// qwex daemon install: a systemd user unit, so that a logout or a reboot doesn't stop the night's queue.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { packageRoot } from '../../shared/client/start-daemon.ts';
import { QwexError } from '../../shared/errors.ts';
import { homeFrom } from '../../shared/paths.ts';
import type { Context } from '../context.ts';
import { stopAndWait } from './control.ts';
import { cronLine, systemdUnit, type UnitOptions } from './unit.ts';

const UNIT_NAME = 'qwex.service';

export async function install(context: Context, { print }: { print?: boolean }): Promise<void> {
  const { terminal, env } = context;
  const options: UnitOptions = {
    node: process.execPath,
    launcher: join(packageRoot(), 'daemon', 'launch.sh'),
    home: homeFrom(env),
    path: env.PATH,
  };
  if (print) return terminal.print(systemdUnit(options).trimEnd());
  const reachable = await run('systemctl', ['--user', 'show-environment']);
  if (reachable.code !== 0) {
    throw new QwexError({
      code: 'unsupported',
      message: `systemd does not answer for you here: ${reachable.said}`,
      hint: `start the daemon at boot by cron instead (crontab -e):\n  ${cronLine(options)}`,
    });
  }
  const folder = join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'systemd', 'user');
  await mkdir(folder, { recursive: true });
  const unit = join(folder, UNIT_NAME);
  await writeFile(unit, systemdUnit(options));
  await must('systemctl', ['--user', 'daemon-reload']);
  // One that serves already would keep the unit's from it.
  await stopAndWait(await context.runner({ autostart: false }));
  await must('systemctl', ['--user', 'enable', '--now', UNIT_NAME]);
  terminal.print(`installed ${unit}; it serves now and from each boot on`);
  await warnAboutLinger(context);
}

async function warnAboutLinger({ terminal }: Context): Promise<void> {
  const { username } = userInfo();
  const { code, said } = await run('loginctl', ['show-user', username, '--property=Linger']);
  if (code === 0 && said === 'Linger=yes') return;
  terminal.note(
    `warning: your services end when you log out, the daemon and all runs with them; ` +
      `keep them: loginctl enable-linger ${username}`,
  );
}

async function must(program: string, words: string[]): Promise<void> {
  const { code, said } = await run(program, words);
  if (code === 0) return;
  throw new QwexError({
    code: 'unsupported',
    message: `${program} ${words.join(' ')} failed: ${said}`,
    hint: `systemctl --user status ${UNIT_NAME}`,
  });
}

/** Exit code and all that a program said; code 127 when there is none of that name. */
async function run(program: string, words: string[]): Promise<{ code: number; said: string }> {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'close');
  try {
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
    return { code: typeof code === 'number' ? code : 1, said: `${out}${err}`.trim() };
  } catch (error) {
    return { code: 127, said: error instanceof Error ? error.message : String(error) };
  }
}
