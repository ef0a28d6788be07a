// A disk that is quickly full: a tmpfs of some megabytes. Needs the right to mount.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, statfs, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isErrno } from '../../shared/errors.ts';
import { isMissing } from '../rig/needs.ts';
import type { Rig } from '../rig/rig.ts';

const run = promisify(execFile);

export class SmallDisk {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** `inodes`: how many files and folders it takes; 0 for no limit. */
  static async mount(megabytes: number, inodes = 0): Promise<SmallDisk> {
    const folder = await mkdtemp('/tmp/qwex-disk-');
    try {
      await run('mount', [
        '-t',
        'tmpfs',
        '-o',
        `size=${megabytes}m,nr_inodes=${inodes},mode=0700`,
        'qwex-test',
        folder,
      ]);
    } catch (error) {
      await rm(folder, { recursive: true });
      throw error;
    }
    return new SmallDisk(folder);
  }

  /** Puts the home of a rig without a daemon here, with these settings. */
  async carryHome(rig: Rig, config: string): Promise<void> {
    const home = join(this.folder, 'home');
    await mkdir(home, { mode: 0o700 });
    await writeFile(join(home, 'config.yaml'), config);
    await rm(rig.home, { recursive: true });
    await symlink(home, rig.home);
  }

  async allowWrites(allowed: boolean): Promise<void> {
    await run('mount', ['-o', `remount,${allowed ? 'rw' : 'ro'}`, this.folder]);
  }

  /** Leaves so many bytes of room, or none. */
  async fill(leaveBytes = 0): Promise<void> {
    await this.clear();
    const { bavail, bsize } = await statfs(this.folder);
    const bytes = bavail * bsize - leaveBytes;
    const ballast = join(this.folder, 'ballast');
    if (leaveBytes > 0) await run('fallocate', ['-l', String(bytes), ballast]);
    // Others write meanwhile: to the last byte is until the disk says so.
    else await run('sh', ['-c', 'cat /dev/zero >"$1" 2>/dev/null || true', 'fill', ballast]);
  }

  /** Leaves no name for another file. */
  async fillInodes(): Promise<void> {
    const ballast = join(this.folder, 'ballast');
    await mkdir(ballast);
    // Others make files meanwhile: until the disk says so.
    for (let at = 0; ; at += 1) {
      try {
        await writeFile(join(ballast, String(at)), '');
      } catch (error) {
        if (isErrno(error, 'ENOSPC')) return;
        throw error;
      }
    }
  }

  /** Makes room again. */
  async clear(): Promise<void> {
    await rm(join(this.folder, 'ballast'), { force: true, recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('umount', ['--lazy', this.folder]);
    await rm(this.folder, { recursive: true });
  }
}

/** For `skipIf`: whether this machine forbids it. */
export async function cannotMount(): Promise<boolean> {
  const mounted = await SmallDisk.mount(1).catch(() => null);
  await mounted?.[Symbol.asyncDispose]();
  return isMissing(mounted !== null, 'the right to mount a small disk');
}
