// Calls of node:fs/promises on single small files, in their shape and done at once. Each takes some microseconds; as a
// turn through the thread pool and the event loop it would cost ten times that, and a run needs a hundred of them. Not for
// trees, nor for what may be large. A fifo in a file's place is read as an empty file and not waited for.
import * as fs from 'node:fs';

const READ = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK;

export async function readFile(path: string, encoding: 'utf8' | 'latin1'): Promise<string> {
  return fs.readFileSync(path, { encoding, flag: READ });
}

export async function readdir(path: string): Promise<string[]> {
  return fs.readdirSync(path);
}

export async function readEntries(path: string): Promise<fs.Dirent[]> {
  return fs.readdirSync(path, { withFileTypes: true });
}

export async function realpath(path: string): Promise<string> {
  return fs.realpathSync.native(path);
}

export async function stat(path: string): Promise<fs.Stats> {
  return fs.statSync(path);
}

export async function statfs(path: string): Promise<fs.StatsFs> {
  return fs.statfsSync(path);
}

export async function lstat(path: string | Buffer): Promise<fs.Stats> {
  return fs.lstatSync(path);
}

/** For what is usually not there: an error that is thrown and caught costs more than the look. */
export function lstatIfThere(path: string): fs.Stats | undefined {
  return fs.lstatSync(path, { throwIfNoEntry: false });
}

/** The names in a folder; none where there is no folder, which is usual. Throws what else goes wrong. */
export function namesIfThere(path: string): string[] {
  return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ? fs.readdirSync(path) : [];
}

export async function mkdir(path: string, options: fs.MakeDirectoryOptions): Promise<void> {
  fs.mkdirSync(path, options);
}

export async function rename(from: string, to: string): Promise<void> {
  fs.renameSync(from, to);
}

/** A file; nothing there is fine. */
export async function rm(path: string, options: { force: true }): Promise<void> {
  fs.rmSync(path, options);
}

export async function copyFile(from: string, to: string, mode?: number): Promise<void> {
  fs.copyFileSync(from, to, mode);
}

export async function utimes(path: string, atime: number, mtime: number): Promise<void> {
  fs.utimesSync(path, atime, mtime);
}

export async function chmod(path: string, mode: number): Promise<void> {
  fs.chmodSync(path, mode);
}

export async function writeFile(path: string, text: string, options: { flag?: string }): Promise<void> {
  fs.writeFileSync(path, text, options);
}
