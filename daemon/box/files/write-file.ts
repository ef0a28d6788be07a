// Writing one's own files where others write theirs. Never O_CREAT on a name that may be another's: the kernel refuses
// that in sticky folders (fs.protected_regular), and it would hand our text to them.
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  renameSync,
  rmSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isErrno, QwexError } from '../../../shared/errors.ts';
import { temporaryName } from './own-names.ts';

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_APPEND } = constants;

/** Everybody may read it, whatever our umask is. */
const MODE = 0o644;

/** Puts a whole file of ours in its place; the birth is this one's. */
export function replaceOwn(path: string, text: string, mode = MODE): void {
  const temporary = join(dirname(path), temporaryName(basename(path)));
  try {
    const fd = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    try {
      fchmodSync(fd, mode);
      writeSync(fd, text);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    if (isErrno(error, 'EPERM', 'EACCES')) throw notOurs(path, error);
    throw error;
  }
}

/** The same for what only describes. False when somebody else has taken the name, which is to stop nobody's work. */
export function tryReplaceOwn(path: string, text: string): boolean {
  try {
    replaceOwn(path, text);
    return true;
  } catch (error) {
    if (error instanceof QwexError && error.code === 'conflict') return false;
    throw error;
  }
}

/** Overwrites the beginning of a file of ours: it keeps its birth. False when there is none. One write, so that nobody reads half. */
export function overwriteOwn(path: string, text: string): boolean {
  return withExisting(path, O_WRONLY, (fd) => {
    if (fstatSync(fd).uid !== process.getuid?.()) throw notOurs(path);
    writeSync(fd, text, 0);
  });
}

/** Adds a line to a file of ours. False when there is none. */
export function appendOwn(path: string, line: string): boolean {
  return withExisting(path, O_WRONLY | O_APPEND, (fd) => {
    if (fstatSync(fd).uid !== process.getuid?.()) throw notOurs(path);
    writeSync(fd, `${line}\n`);
  });
}

/** One byte into a file that all may write to: its owner hears of it. False when it is gone, or not what it should be. */
export function touchOthers(path: string): boolean {
  try {
    return withExisting(path, O_WRONLY, (fd) => {
      if (fstatSync(fd).isFile()) writeSync(fd, '\n', 0);
    });
  } catch (error) {
    if (isErrno(error, 'EACCES', 'EPERM', 'ELOOP', 'ENXIO')) return false;
    throw error;
  }
}

/** Gives a file of ours its name. False when somebody has tidied it up. */
export function moveOwn(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Sets the time of a file of ours to now. False when there is none. */
export function renewOwn(path: string): boolean {
  const now = new Date();
  try {
    utimesSync(path, now, now);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

function withExisting(path: string, flags: number, work: (fd: number) => void): boolean {
  let fd: number;
  try {
    fd = openSync(path, flags | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
  try {
    work(fd);
  } finally {
    closeSync(fd);
  }
  return true;
}

function notOurs(path: string, cause?: unknown): QwexError {
  return new QwexError({
    code: 'conflict',
    message: `can't write ${path}: another member has made a file of this name`,
    hint: 'ask whoever owns it to remove it; qwex box doctor names them',
    cause,
  });
}
