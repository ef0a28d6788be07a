// The command line, as V8 has compiled it before: most of a short command's time is compiling. Node's own compile cache
// keeps only what is compiled while a file loads; this keeps, for each command, all that it has called.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { Script } from 'node:vm';

/** For a file of another build that nobody has made anew: then it isn't used any more. */
const UNUSED_MS = 7 * 24 * 3_600_000;

export interface Compiled {
  exports: unknown;
  /** Keeps what has been compiled by now, for the next time; does nothing when it came from there. */
  keep(): void;
}

/**
 * Runs a CommonJS file of one-byte characters. `folder`: where compiled code is kept, a folder of the user's own, as V8
 * runs what it finds; null: nowhere. `build` names the content of the file, which V8 knows only by its length.
 */
export function runCompiled(
  { file, build, command }: { file: string; build: string; command: string },
  folder: string | null,
  load: NodeJS.Require,
): Compiled {
  const kept = folder === null ? null : `${folder}/${build}.${command}`;
  const cachedData = kept === null ? undefined : readOwn(kept);
  const source = readFileSync(file, 'latin1');
  const script = new Script(`(function (exports, require, module, __filename) {${source}\n})`, {
    filename: file,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  const module = { exports: {} };
  script.runInThisContext().call(module.exports, module.exports, load, module, file);
  // Nothing at all isn't rejected.
  const isKnown = script.cachedDataRejected === false && cachedData?.length !== 0;
  return {
    exports: module.exports,
    keep() {
      if (folder === null || kept === null || isKnown) return;
      const temporary = `${kept}.${process.pid}`;
      // On a full disk or in a read-only home, the next command compiles again.
      const isKept = succeeds(() => {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        // V8 doesn't look whether it is whole: after a power cut it has to be.
        writeFileSync(temporary, script.createCachedData(), { flag: 'wx', mode: 0o600, flush: true });
        renameSync(temporary, kept);
      });
      succeeds(() => (isKept ? tidy(folder, build) : rmSync(temporary, { force: true })));
    },
  };
}

function succeeds(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}

/** Undefined when it isn't there, or others could have written it. */
function readOwn(path: string): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
  try {
    const { uid, mode } = fstatSync(fd);
    return uid === process.getuid?.() && (mode & 0o022) === 0 ? readFileSync(fd) : undefined;
  } finally {
    closeSync(fd);
  }
}

function tidy(folder: string, build: string): void {
  for (const name of readdirSync(folder)) {
    const path = `${folder}/${name}`;
    if (name.startsWith(build) || Date.now() - lstatSync(path).mtimeMs < UNUSED_MS) continue;
    rmSync(path, { recursive: true, force: true });
  }
}
