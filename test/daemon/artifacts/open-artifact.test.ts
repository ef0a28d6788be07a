import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openArtifact } from '../../../daemon/artifacts/open-artifact.ts';
import { Rig } from './rig.ts';

test('opens files and reads links, below its folder alone', async () => {
  await using rig = new Rig();
  fs.mkdirSync(join(rig.filesDir, 'out'), { recursive: true });
  fs.writeFileSync(join(rig.filesDir, 'out/a'), 'abc');
  fs.chmodSync(join(rig.filesDir, 'out/a'), 0o640);
  fs.writeFileSync(join(rig.runDir, 'secret'), 'secret');
  fs.symlinkSync('../../secret', join(rig.filesDir, 'out/link'));
  fs.symlinkSync('..', join(rig.filesDir, 'up'));
  rig.sh(`mkfifo "${rig.filesDir}/out/fifo"`);

  const opened = await openArtifact(rig.filesDir, 'out/a');
  expect(opened).toMatchObject({ type: 'file', sizeBytes: 3, mode: 0o640 });
  if (opened.type === 'file') {
    expect(await opened.handle.readFile('utf8')).toBe('abc');
    await opened.handle.close();
  }
  expect(await openArtifact(rig.filesDir, 'out/link')).toEqual({ type: 'symlink', target: '../../secret' });
  for (const path of [
    'up/secret',
    'out/link/x',
    'nope',
    'out',
    'out/fifo',
    'out/a/b',
    '',
    '.',
    'x'.repeat(300),
  ]) {
    await expect(openArtifact(rig.filesDir, path), path).rejects.toMatchObject({ code: 'not_found' });
  }
  for (const path of ['../secret', 'out/../../secret', '/etc/passwd', 'a\0b']) {
    await expect(openArtifact(rig.filesDir, path), path).rejects.toMatchObject({ code: 'invalid_request' });
  }
});
