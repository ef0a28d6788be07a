// The disk of a shared box is full. Nobody's queue stops for it, and who waits for a device gets it when there is room.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFakeBox } from '../rig/fake-box.ts';
import { Rig } from '../rig/rig.ts';
import { cannotMount, SmallDisk } from './small-disk.ts';

test.skipIf(await cannotMount())(
  'a box without a byte or a name left: runs without devices go on, those with one wait, say why, and start',
  async () => {
    await using disk = await SmallDisk.mount(2, 300);
    await using rig = await Rig.start({ daemon: false });
    rig.expectLogged(/the box cannot be used just now/);
    const box = join(disk.folder, 'box');
    await makeFakeBox({ path: box, file: rig.path('fake.yaml') });
    await writeFile(rig.paths.config, `slots: 1\ngrace: 500ms\nbox: ${box}\n`, { mode: 0o600 });
    await rig.startDaemon();
    const repo = await rig.repo();
    // Answers when the box has been opened.
    await rig.ok(['box']);
    await disk.fillInodes();
    const waiting = await rig.submit(repo, '--gpus', '1', 'true');
    expect(await rig.client.wait(await rig.submit(repo, 'true'))).toMatchObject({ status: 'succeeded' });
    expect(await rig.client.get(waiting)).toMatchObject({ status: 'pending', devices: [] });
    expect(await rig.ok(['status', waiting])).toMatch(/no space left/i);
    await disk.clear();
    // It is tried again every now and then; a change of the line is when, too.
    const next = await rig.submit(repo, '--gpus', '1', 'true');
    expect(await rig.client.wait(next)).toMatchObject({ status: 'succeeded' });
    expect(await rig.client.wait(waiting)).toMatchObject({ status: 'succeeded', devices: ['gpu0'] });
  },
);
