// Folders may be called anything: home, repository, box and the places of results all have names that a URL, a shell or
// git would read as something else.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { makeFakeBox } from '../rig/fake-box.ts';
import { Rig } from '../rig/rig.ts';

const ODD = 'a b é#%20:?*$HOME\'"&';

test('whatever the folders are called, a run is followed, kept, checked out and shares devices', async () => {
  await using rig = await Rig.start({ homeName: `home ${ODD}`, daemon: false });
  const box = rig.path(`box ${ODD}`);
  await makeFakeBox({ path: box, file: rig.path(`fake ${ODD}.yaml`), types: ['fake'] });
  await rig.ok(['config', 'set', 'box', box]);
  const repo = await rig.repo({ [`sub ${ODD}/file`]: 'content\n', '.gitignore': 'data*\n' }, `repo ${ODD}`);
  await repo.write({ [`data ${ODD}/rows`]: 'rows\n' });
  const cwd = repo.path(`sub ${ODD}`);

  const script = 'cat file "$1/rows"; mkdir -p out; cp file "out/$(basename "$1")"; echo "$QWEX_GPUS" >&2';
  const submit = ['run', '-f', '--gpus', '1', '--link', `../data ${ODD}`, '--name', 'odd'];
  const followed = await rig.qwex([...submit, '--', 'sh', '-c', script, 'sh', `../data ${ODD}`], { cwd });
  expect(followed.code, followed.stderr).toBe(0);
  expect(followed.stdout).toBe('content\nrows\n');
  expect(followed.stderr).toContain('\ngpu0\n');

  expect((await rig.qwex(['watch', 'odd'])).stdout).toBe('content\nrows\n');
  expect((await rig.qwex(['logs', '-f', 'odd'])).stdout).toBe('content\nrows\n');
  const results = rig.path(`results ${ODD}`);
  await rig.ok(['artifacts', 'odd', '--download', results]);
  expect(await readFile(`${results}/sub ${ODD}/out/data ${ODD}`, 'utf8')).toBe('content\n');
  const place = rig.path(`checkout ${ODD}`);
  await rig.ok(['checkout', 'odd', place], { cwd });
  expect(await readFile(`${place}/sub ${ODD}/file`, 'utf8')).toBe('content\n');

  // The next daemon finds all of it, and so does doctor.
  await rig.killDaemon();
  const again = await rig.ok(['rerun', 'odd'], { cwd });
  expect((await rig.ended(again)).status).toBe('succeeded');
  await rig.ok(['box', 'doctor']);
  await rig.ok(['doctor'], { cwd });
});
