// What every stack of built-in layers promises while it runs: exit code, signals, streams.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DEPTHS, makeFixture, NESTING } from './fixture.ts';

const STACK = `runners: { four: { layers: [env, nice, setup, quiet] } }
layers:
  env: { variables: { LEVEL: outer } }
  setup: { template: env, variables: { LEVEL: inner } }
  quiet: { template: nice, niceness: 1, ionice: best-effort }
`;

it.each(['base', 'four'])(
  '%s: TERM reaches the program itself, in the process that was started',
  async (runner) => {
    await using fixture = await makeFixture({ 'qwex.yaml': STACK });
    const { script } = await fixture.compile(['sh', '-c', 'echo $$; exec cat'], { runner });
    await fixture.write('script.sh', script);
    const child = spawn('bash', [join(fixture.path, 'script.sh')], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    expect(Number(line.toString())).toBe(child.pid);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  },
);

it.each(['depth0', 'depth1', 'depth2', 'depth3', 'depth4', 'other4'])(
  '%s: exit codes and streams pass',
  async (runner) => {
    await using fixture = await makeFixture({ 'qwex.yaml': DEPTHS, ...NESTING });
    const status = async (command: string[]): Promise<ReturnType<typeof spawnSync>> => {
      await fixture.write('script.sh', (await fixture.compile(command, { runner })).script);
      return spawnSync('bash', [join(fixture.path, 'script.sh')], { encoding: 'utf8', input: 'in' });
    };
    for (const code of [0, 1, 99, 125, 255]) {
      expect((await status(['sh', '-c', `exit ${code}`])).status).toBe(code);
    }
    expect(await status(['sh', '-c', 'cat; echo err >&2'])).toMatchObject({ stdout: 'in', stderr: 'err\n' });
    expect((await status(['no-such-program-anywhere'])).status).toBe(127);
    expect((await status(['/dev/null'])).status).toBe(126);
  },
);

it('nice lowers the priority, and sets the class of the disk', async () => {
  await using fixture = await makeFixture({ 'qwex.yaml': STACK });
  const { script } = await fixture.compile(['sh', '-c', 'nice; ionice -p $$; echo $LEVEL'], {
    runner: 'four',
  });
  const result = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  const own = Number(spawnSync('nice', { encoding: 'utf8' }).stdout);
  const [niceness, disk, level] = result.stdout.split('\n');
  expect(Number(niceness)).toBe(Math.min(19, own + 11));
  expect(disk).toMatch(/^best-effort/);
  expect(level).toBe('inner');
});
