// The entry of `qwex`: as little as possible before the first answer. `--version` needs nothing of the program; all
// else is in a second file, which V8 has compiled before.
import { writeSync } from 'node:fs';
import { isErrno } from '../shared/errors.ts';
import { VERSION } from '../shared/version.ts';
import { type Compiled, runCompiled } from './compiled.ts';

/** Set by the build, where the second file is `qwex-main.cjs`: a word that changes with its content. */
declare const MAIN_BUILD: string;

const words = process.argv.slice(2);

if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  sayVersion();
} else {
  start().catch((error: unknown) => {
    process.stderr.write(`error: qwex cannot start: ${String(error)}\n`);
    process.exit(70);
  });
}

function sayVersion(): void {
  try {
    writeSync(1, `${VERSION}\n`);
  } catch (error) {
    if (isErrno(error, 'EPIPE')) process.exit(141);
    process.stderr.write(`error: cannot write: ${error instanceof Error ? error.message : error}\n`);
    process.exit(70);
  }
}

async function start(): Promise<void> {
  if (typeof MAIN_BUILD === 'undefined') {
    const { main } = await import('./process.ts');
    process.exit(await main(words));
  }
  const compiled = loadMain();
  const { main } = compiled.exports as typeof import('./process.ts');
  const code = await main(words);
  if (code === 0) compiled.keep();
  process.exit(code);
}

function loadMain(): Compiled {
  const { XDG_CACHE_HOME, HOME, SUDO_UID, NODE_DISABLE_COMPILE_CACHE } = process.env;
  const caches = XDG_CACHE_HOME || (HOME && `${HOME}/.cache`);
  // Under sudo that may still be the user's, who couldn't write there any more.
  const folder = caches && !SUDO_UID && !NODE_DISABLE_COMPILE_CACHE ? `${caches}/qwex` : null;
  const command = words[0] && /^[a-z]{2,20}$/.test(words[0]) ? words[0] : 'other';
  const file = `${__dirname}/qwex-main.cjs`;
  return runCompiled({ file, build: MAIN_BUILD, command }, folder, require);
}
