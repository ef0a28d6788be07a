// The entry of `qwex`: as little as possible before the first answer. `--version` needs nothing of the program; all
// else is in a second file, so that V8 finds it compiled in its cache.
import { writeSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { VERSION } from '../shared/version.ts';

const words = process.argv.slice(2);

if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  writeSync(1, `${VERSION}\n`);
} else {
  // A folder of the user's own: V8 runs what it finds there, so it can't be one that others may write to.
  const caches = process.env.XDG_CACHE_HOME || (process.env.HOME && `${process.env.HOME}/.cache`);
  // Under sudo that may still be the user's, who couldn't write there any more.
  if (caches && !process.env.SUDO_UID) enableCompileCache(`${caches}/qwex`);
  import('./process.ts').then(
    ({ main }) => main(words).then((code) => process.exit(code)),
    (error: unknown) => {
      process.stderr.write(`error: qwex cannot start: ${String(error)}\n`);
      process.exit(70);
    },
  );
}
