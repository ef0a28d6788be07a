import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isMissing } from '../../rig/needs.ts';
import { Rig } from './rig.ts';

const OTHER = '/dev/shm';
const isOther = fs.existsSync(OTHER) && fs.statSync(OTHER).dev !== fs.statSync(tmpdir()).dev;

describe.skipIf(isMissing(isOther, `${OTHER} on another file system than ${tmpdir()}`))(
  'a space on another file system',
  () => {
    test('is copied: contents, modes, times, links; and emptied of what was kept', async () => {
      await using rig = new Rig({ spaceBase: OTHER });
      const big = Buffer.alloc(3_000_000, 'big');
      rig.write('out/sub/big', big);
      rig.write('out/x.sh', 'x');
      rig.sh(
        'chmod 4750 out/x.sh; chmod 644 out/sub/big; ln -s nowhere out/link; ln out/x.sh out/sub/same; mkfifo out/fifo; touch -d @1000000000 out/sub/big',
      );
      const manifest = await rig.collector.collect(rig.request());
      expect(manifest.artifacts.map(({ path, mode, target }) => [path, mode, target])).toEqual([
        ['out/link', 0o777, 'nowhere'],
        ['out/sub/big', 0o644, undefined],
        ['out/sub/same', 0o750, undefined],
        ['out/x.sh', 0o750, undefined],
      ]);
      expect(manifest.artifacts[1]?.sha256).toBe(createHash('sha256').update(big).digest('hex'));
      expect(fs.statSync(join(rig.filesDir, 'out/sub/big')).mtimeMs).toBe(1_000_000_000_000);
      expect(fs.statSync(join(rig.filesDir, 'out/x.sh')).ino).toBe(
        fs.statSync(join(rig.filesDir, 'out/sub/same')).ino,
      );
      expect(fs.readdirSync(join(rig.space, 'out'), { recursive: true }).sort()).toEqual(['fifo', 'sub']);
      expect(fs.readdirSync(rig.runDir).sort()).toEqual(['artifacts.json', 'files']);
    });

    test('what was left over is copied, too', async () => {
      await using rig = new Rig({ spaceBase: OTHER });
      rig.write('wandb/run/log', '12345');
      rig.write('a/b/model.pt', 'm');
      const leftDir = join(rig.runDir, 'left');
      const entries = ['wandb', 'a/b/model.pt'];
      const { kept } = await rig.collector.keepLeft({
        space: rig.space,
        entries,
        leftDir,
        ignorePatterns: [],
      });
      expect(kept).toEqual([
        { path: 'a/b/model.pt', sizeBytes: 1, files: 1 },
        { path: 'wandb', sizeBytes: 5, files: 1 },
      ]);
      expect(fs.readFileSync(join(leftDir, 'wandb/run/log'), 'utf8')).toBe('12345');
      expect(fs.readdirSync(rig.runDir)).toEqual(['left']);
    });
  },
);
