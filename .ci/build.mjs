// Builds dist/: the CLI as CommonJS (fast to start), the daemon and the client library as ES modules, and types.
//   node .ci/build.mjs [cli] [daemon] [client] [types]      all of them by default
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node24',
  minify: false,
  legalComments: 'none',
  logLevel: 'warning',
};

/**
 * Bundled CommonJS loads a built-in where the module that imports it is first run. These cost milliseconds and most
 * commands never call them, so each function loads its module at the first call. node:process is there already.
 */
const LAZY = {
  'node:child_process': ['spawn', 'exec', 'execFile', 'execFileSync', 'fork'],
  'node:crypto': ['createHash', 'randomUUID', 'randomBytes'],
  'node:fs/promises': ['lstat', 'mkdir', 'open', 'readFile', 'rename', 'rm', 'symlink', 'writeFile'],
  'node:process': [],
};
const lazyBuiltins = {
  name: 'lazy-builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, namespace }) => {
      if (!(path in LAZY)) return undefined;
      return namespace === 'lazy' ? { path, external: true } : { path, namespace: 'lazy' };
    });
    onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => {
      if (path === 'node:process') return { contents: 'export default globalThis.process;' };
      const names = LAZY[path];
      const functions = names.map(
        (name) => `export const ${name} = (...a) => require('${path}').${name}(...a);`,
      );
      return { contents: [...functions, `export default { ${names.join(', ')} };`].join('\n') };
    });
  },
};

/** Of zod's fifty languages, the one that it speaks here: the others are a quarter of its size. */
const oneLanguage = {
  name: 'one-language',
  setup({ onLoad }) {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

/** What the daemon's sources take, it holds in memory for ever. Names stay, for the stacks in its log. */
const daemon = {
  ...common,
  format: 'esm',
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 160,
  external: ['better-sqlite3', 'bufferutil', 'utf-8-validate'],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  plugins: [oneLanguage],
};

const cli = {
  ...common,
  format: 'cjs',
  // require() of a built-in costs a fraction of import() of it.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': '__url' },
  banner: { js: "const __url = 'file://' + __filename.split('/').map(encodeURIComponent).join('/');" },
  minifyWhitespace: true,
  minifySyntax: true,
  external: ['bufferutil', 'utf-8-validate'],
};

const esm = {
  ...common,
  format: 'esm',
  packages: 'external',
};

const targets = {
  cli: () => [buildCommandLine()],
  daemon: () => {
    const workers = ['daemon/artifacts/artifact-worker.ts', 'daemon/spaces/tree-worker.ts'].filter((path) =>
      existsSync(join(root, path)),
    );
    return [
      build({
        ...daemon,
        entryPoints: [
          { in: 'daemon/main.ts', out: 'daemon' },
          { in: 'daemon/box/init-main.ts', out: 'box-init' },
          { in: 'daemon/starter/main.ts', out: 'starter' },
          ...workers.map((path) => ({ in: path, out: path.replace(/^.*\/|\.ts$/g, '') })),
        ],
        outdir: dist,
        outExtension: { '.js': '.mjs' },
      }),
    ];
  },
  client: () => [
    build({
      ...esm,
      entryPoints: [{ in: 'shared/client/index.ts', out: 'client' }],
      outdir: dist,
      outExtension: { '.js': '.mjs' },
    }),
  ],
  types: () => [emitTypes()],
};

/** The entry knows the content of the file that it loads: only what V8 compiled of exactly that is good for it. */
async function buildCommandLine() {
  const main = join(dist, 'qwex-main.cjs');
  await build({ ...cli, entryPoints: ['cli/process.ts'], plugins: [lazyBuiltins], outfile: main });
  const content = await readFile(main);
  if (content.some((byte) => byte > 127))
    throw new Error(`${main} is read as one-byte characters and has others`);
  const word = createHash('sha256').update(content).digest('hex').slice(0, 16);
  const define = { ...cli.define, MAIN_BUILD: JSON.stringify(word) };
  await build({ ...cli, banner: {}, define, entryPoints: ['cli/main.ts'], outfile: join(dist, 'qwex.cjs') });
}

async function emitTypes() {
  const tsc = join(root, 'node_modules/.bin/tsc');
  const child = spawn(tsc, ['-p', join(root, '.ci/tsconfig.types.json')], { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`tsc ended with ${code}`);
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(targets);
const unknown = wanted.filter((name) => !(name in targets));
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(', ')}; choose of ${Object.keys(targets).join(', ')}`);
  process.exit(2);
}
if (process.argv.length <= 2) await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
await Promise.all(wanted.flatMap((name) => targets[name]()));
