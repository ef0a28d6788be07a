// Spaces that are used again, end to end.
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Rig } from '../rig/rig.ts';

/** Of a file in a folder that nobody touches; inode numbers are used again, births are not. */
const IDENTITY = ['stat', '-c', '%i %W', 'kept/file'];

test('only the space of a run that came to its own end is used again', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ 'kept/file': 'x' });
  const seenBy = async (...command: string[]): Promise<string> => {
    const id = await rig.submit(repo, '--', ...command);
    await rig.ended(id);
    return rig.runFile(id, 'logs', 'stdout.log');
  };
  const first = await seenBy(...IDENTITY);
  expect(
    await seenBy('sh', '-c', `${IDENTITY.join(' ').replace('%i %W', "'%i %W'")}; touch new; exit 3`),
  ).toBe(first);
  expect(await seenBy(...IDENTITY)).toBe(first);

  const leaving = await seenBy(
    'bash',
    '-c',
    "stat -c '%i %W' kept/file; setsid sleep 1000 >/dev/null 2>&1 &",
  );
  expect(leaving).toBe(first);
  const second = await seenBy(...IDENTITY);
  expect(second).not.toBe(first);

  const program = await rig.program();
  const cancelled = await rig.submit(repo, '--', ...program.command);
  await program.started();
  const { ino } = await lstat(join(rig.paths.spaces, cancelled, 'kept', 'file'));
  expect(second.startsWith(`${ino} `)).toBe(true);
  await rig.ok(['cancel', cancelled]);
  await rig.ended(cancelled);
  expect(await seenBy(...IDENTITY)).not.toBe(second);
});
