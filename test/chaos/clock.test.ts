// A clock that jumps, by a day and in either direction, in the middle of runs: order, limits and ends don't depend on it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageFolder } from '../rig/command.ts';
import { Rig } from '../rig/rig.ts';

const DAY_MS = 86_400_000;

/** A daemon whose clock is off by so much from the start of it on. */
async function startWithClock(rig: Rig, offsetMs: number): Promise<void> {
  const shift = `const now = Date.now; Date.now = () => now() + ${offsetMs};`;
  const args = ['--import', `data:text/javascript,${encodeURIComponent(shift)}`];
  const child = spawn(process.execPath, [...args, join(packageFolder, 'dist', 'daemon.mjs')], {
    cwd: '/',
    detached: true,
    env: { ...rig.env },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const [said] = (await once(child.stdio[3] as NodeJS.ReadableStream, 'data')) as [Buffer];
  expect(said.toString()).toBe('ready');
  child.unref();
}

test.each([
  ['forward', DAY_MS],
  ['back', -DAY_MS],
])(
  'a day %s while a run goes on and others wait: all end as they should, in their order',
  async (_, offsetMs) => {
    await using rig = await Rig.start();
    const repo = await rig.repo();
    const program = await rig.program();
    const running = await rig.submit(repo, '--time', '1h', ...program.command);
    await program.started();
    const first = await rig.submit(repo, 'true');
    await rig.killDaemon();
    await startWithClock(rig, offsetMs);
    const second = await rig.submit(repo, 'true');
    expect(await rig.client.get(running)).toMatchObject({ phase: 'running' });
    await program.exit(6);
    expect(await rig.ended(running)).toMatchObject({ reason: 'exit', exitCode: 6 });
    const ends = [await rig.ended(first), await rig.ended(second)];
    expect(ends.map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
    expect((await rig.client.list()).runs.map(({ id }) => id)).toEqual([second, first, running]);
  },
);

test.each([
  ['forward', DAY_MS],
  ['back', -DAY_MS],
])('cancelled after the clock went %s: cancelled all the same', async (_, offsetMs) => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const id = await rig.submit(repo, ...program.command);
  await program.started();
  await rig.killDaemon();
  await startWithClock(rig, offsetMs);
  await rig.ok(['cancel', id]);
  expect(await rig.ended(id)).toMatchObject({ status: 'cancelled', reason: 'cancelled' });
});
