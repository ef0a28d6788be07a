// The daemon's home: its folders, its key, and the settings that its owner may edit at any time.
import { randomBytes } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { watch } from 'chokidar';
import { writeAtomically } from '../shared/atomic-write.ts';
import { isErrno } from '../shared/errors.ts';
import { ensureLocalFolder } from '../shared/local-folder.ts';
import { type HomePaths, homePaths } from '../shared/paths.ts';
import { keepOutOfGit, loadUserConfig } from './config/index.ts';
import type { Settings } from './house/settings.ts';

/** Where the system has no watch left. */
const LOOK_MS = 2000;

/** Every folder of the home, the owner's alone. */
export async function makeHome(home: string): Promise<HomePaths> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const { spaces, runs } = await loadUserConfig(home);
  const paths = homePaths(home, { spaces, runs });
  ensureLocalFolder(paths);
  for (const folder of [paths.ended, paths.environments, paths.spaces, paths.runs]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  await keepOutOfGit(home);
  return paths;
}

/** The key that downloads are signed with, made once. */
export async function loadKey(file: string): Promise<Buffer> {
  try {
    return Buffer.from((await readFile(file, 'utf8')).trim(), 'hex');
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    const key = randomBytes(32);
    await writeAtomically(file, `${key.toString('hex')}\n`, { mode: 0o600, sync: true });
    return key;
  }
}

/** Reads the settings again when their file changes. */
export function watchConfig(
  file: string,
  settings: Settings,
  { onError, onDegraded }: { onError: (error: unknown) => void; onDegraded: (error: unknown) => void },
): { close(): Promise<void> } {
  const watcher = watch(file, { ignoreInitial: true });
  const reload = () => void settings.reload().catch(onError);
  watcher.on('all', reload);
  let isDegraded = false;
  watcher.on('error', (error) => {
    // It tells once for each folder above.
    if (isDegraded) return;
    isDegraded = true;
    onDegraded(error);
    watchFile(file, { interval: LOOK_MS, persistent: false }, reload);
  });
  return {
    async close() {
      unwatchFile(file, reload);
      await watcher.close();
    },
  };
}
