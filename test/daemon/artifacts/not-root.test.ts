import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isMissing } from '../../rig/needs.ts';
import { Rig } from './rig.ts';

const NOBODY = 65534;
const CAPTURE = join(import.meta.dirname, '../../../daemon/artifacts/capture.ts');

const isRoot = process.getuid?.() === 0;
const nobody = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
// A checkout in root's own home can't be run by anybody else.
const canRun = spawnSync(process.execPath, ['--check', CAPTURE], nobody).status === 0;

// Root may do anything: the rights that a program took away from itself only matter to others.
test.skipIf(isMissing(canRun, 'a checkout that others may read'))(
  'folders and files without rights are kept all the same',
  async () => {
    await using rig = new Rig();
    rig.write('out/locked/deep/a', 'a');
    rig.write('out/b', 'b');
    fs.writeFileSync(join(rig.space, 'other.tmp'), '');
    rig.sh(
      'ln out/b out/c; chmod 0 out/b; chmod 0 out/locked/deep/a out/locked/deep out/locked; chmod 555 out',
    );
    const request = { ...rig.request({ watchDirectories: [] }), watchedPaths: ['out'], unchanged: undefined };
    const program = `
    const { capture } = await import(${JSON.stringify(CAPTURE)});
    console.log(JSON.stringify(capture({ ...${JSON.stringify(request)}, unchanged: new Set() })));`;
    if (isRoot) execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, rig.root, rig.space]);
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      ...nobody,
    });
    // b and c are one file that its owner can't read: its other name might be anybody's, so it isn't opened up.
    expect(JSON.parse(output).skipped).toEqual([
      { path: 'out/b', reason: 'unreadable', detail: 'EACCES' },
      { path: 'out/c', reason: 'unreadable', detail: 'EACCES' },
    ]);
    expect(fs.readdirSync(rig.filesDir, { recursive: true }).sort()).toEqual([
      'out',
      'out/locked',
      'out/locked/deep',
      'out/locked/deep/a',
    ]);
  },
);

// As a container leaves them that runs as root.
test.skipIf(isMissing(isRoot && canRun, 'root, and a checkout that others may read'))(
  'what another user owns is kept, and named where it can not be read',
  async () => {
    await using rig = new Rig();
    rig.write('out/mine');
    execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, rig.root, rig.space]);
    rig.write('out/closed');
    rig.write('out/folder/inside');
    rig.write('out/suid');
    rig.sh('chmod 600 out/closed; chmod 4755 out/suid; chmod 700 out/folder');
    const program = `
    const { ArtifactCollector } = await import(${JSON.stringify(CAPTURE.replace('capture', 'collector'))});
    const collector = new ArtifactCollector();
    const request = { ...${JSON.stringify({ ...rig.request(), unchanged: undefined })}, unchanged: new Set() };
    console.log(JSON.stringify(await collector.collect(request)));
    await collector.stop();`;
    const command = ['--input-type=module', '-e', program];
    const { artifacts, skipped } = JSON.parse(
      execFileSync(process.execPath, command, { encoding: 'utf8', ...nobody }),
    );
    expect(artifacts.map((each: { path: string }) => each.path)).toEqual(['out/mine', 'out/suid']);
    expect(skipped).toEqual([
      { path: 'out/closed', reason: 'unreadable', detail: 'EPERM' },
      { path: 'out/folder', reason: 'unreadable', detail: 'EPERM' },
    ]);
  },
);
