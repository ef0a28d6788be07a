// What a run has in its environment, and who else can see it.
import { lstatSync } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lacks } from '../rig/needs.ts';
import { pids } from '../rig/processes.ts';
import { Rig } from '../rig/rig.ts';

const withPython = test.skipIf(lacks('python3'));

function parse(text: string): Record<string, string> {
  const entries = text.split('\0').filter((entry) => entry !== '');
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );
}

/** Every entry below a folder; what is being deleted meanwhile doesn't count. */
async function walk(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const found = names.filter((name) => !['.trash', '.pool'].includes(name)).map((name) => join(folder, name));
  const below = await Promise.all(
    found.map(async (path) => ((await lstat(path)).isDirectory() ? walk(path) : [])),
  );
  return [...found, ...below.flat()];
}

async function filesWith(folder: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const path of await walk(folder))
    if ((await lstat(path)).isFile() && (await readFile(path)).includes(text)) found.push(path);
  return found;
}

test('a run has the environment of who submitted it, and nothing of the daemon', async () => {
  await using rig = await Rig.start({ daemon: false });
  const repo = await rig.repo();
  await rig.ok(['daemon', 'start'], { env: { OF_THE_DAEMON: 'x', SSH_AUTH_SOCK: '/daemon', LANG: 'C' } });
  const mine = { ...rig.env, MINE: 'a\nb=c', EMPTY: '', ODD: '\'"$x', TMUX: 'x' };
  const id = await rig.ok(['run', '--', 'env', '-0'], { cwd: repo.root, env: mine });
  const run = await rig.ended(id);
  const { PWD, SHLVL, _, TMUX, ...expected } = parse(await rig.runFile(id, 'logs', 'stdout.log'));
  expect(TMUX).toBeUndefined();
  expect(PWD).toBe(join(rig.paths.spaces, id));
  const { TMUX: dropped, ...submitted } = mine as Record<string, string>;
  expect(expected).toEqual({
    ...submitted,
    QWEX_RUN_ID: id,
    QWEX_RUN_DIR: run.directory,
    QWEX_WORKSPACE: 'project',
    QWEX_COMMIT: run.source.sha,
    QWEX_GPUS: '',
    PYTHONUNBUFFERED: '1',
  });
});

test('--env sets or passes on, files come first, and the config is below both', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({
    '.qwex/config.yaml': 'env: { A: config, B: config, C: config, D: config }\n',
  });
  await repo.write({ '.git/vars': '# comment\nexport B="of file"\nC=file\n' });
  const id = await rig.ok(
    [
      'run',
      '--env-file',
      '.git/vars',
      '--env',
      'C=option',
      '--env',
      'D',
      '--',
      'sh',
      '-c',
      'echo "$A,$B,$C,$D"',
    ],
    { cwd: repo.root, env: { D: 'passed' } },
  );
  expect((await rig.ended(id)).exitCode).toBe(0);
  expect(await rig.runFile(id, 'logs', 'stdout.log')).toBe('config,of file,option,passed\n');
  const missing = await rig.qwex(['run', '--env', 'NOT_SET', '--', 'true'], { cwd: repo.root });
  expect(missing.code).toBe(2);
  expect(missing.stderr).toContain('NOT_SET');
});

test('a secret is in no argv, no log, no run folder and no file but one, which goes at the end', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  const secret = `very-secret-${process.pid}`;
  await repo.write({ '.git/secrets': `FROM_FILE=${secret}-of-file\n` });
  const id = await rig.ok(['run', '--env', 'TOKEN', '--env-file', '.git/secrets', '--', ...program.command], {
    cwd: repo.root,
    env: { TOKEN: secret, INHERITED: `${secret}-inherited` },
  });
  await program.started();
  expect(await program.ask('echo "$TOKEN $FROM_FILE $INHERITED"')).toBe(
    `${secret} ${secret}-of-file ${secret}-inherited`,
  );
  const holders = await filesWith(rig.home, secret);
  expect(holders).toHaveLength(1);
  expect(holders[0]).toMatch(new RegExp(`^${rig.paths.environments}/`));
  expect((await lstat(holders[0] ?? '')).mode & 0o777).toBe(0o600);
  for (const pid of pids().filter((each) => each !== process.pid)) {
    const cmdline = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    expect(cmdline).not.toContain(secret);
  }
  const shown = [
    await rig.ok(['status', '--json', id]),
    await rig.ok(['status', id]),
    await rig.ok(['list', '--json']),
    await rig.ok(['daemon', 'logs']),
  ];
  expect(shown.join()).not.toContain(secret);
  await program.exit(0);
  await rig.ended(id);
  await rig.supervisorsGone();
  await rig.ok(['daemon', 'stop']);
  expect(await filesWith(rig.home, secret)).toEqual([]);
  const { stdout } = await rig.shell(`tar -C ${rig.home} -cf - project | grep -c very-secret || true`);
  expect(stdout).toBe('0\n');
});

test('nobody else can read anything of a home', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const program = await rig.program();
  await rig.shell('umask 000; cd project && qwex run -- true | xargs qwex wait -q');
  const id = await rig.submit(repo, '--watch', 'out', '--', ...program.command);
  await program.started();
  const open: string[] = [];
  for (const path of [rig.home, ...(await walk(rig.home))]) {
    // The files of a box have the modes of a shared one, behind a folder that is closed.
    if ([rig.paths.spaces, rig.path('home', 'box')].some((closed) => path.startsWith(`${closed}/`))) continue;
    const mode = lstatSync(path, { throwIfNoEntry: false })?.mode;
    // A file that was being written has its name by now.
    if (mode === undefined) continue;
    if ((mode & 0o077) !== 0) open.push(`${path} ${(mode & 0o777).toString(8)}`);
  }
  expect(open).toEqual([]);
  expect((await lstat(rig.paths.spaces)).mode & 0o777).toBe(0o700);
  await program.exit(0);
  await rig.ended(id);
});

withPython('an activated virtual environment is active in the run', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ '.gitignore': '.venv\n' });
  await rig.shell(`${rig.python} -m venv --without-pip project/.venv`);
  const { stdout, stderr } = await rig.shell(
    '. .venv/bin/activate && qwex run -- python -c "import sys; print(sys.prefix)"',
    { cwd: repo.root },
  );
  expect((await rig.ended(stdout.trim())).status, stderr).toBe('succeeded');
  expect(await rig.runFile(stdout.trim(), 'logs', 'stdout.log')).toBe(`${repo.path('.venv')}\n`);
});

withPython('an editable install imports the commit that was submitted, and the record says so', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ '.gitignore': '.venv\n', 'src/pkg/__init__.py': 'version = "committed"\n' });
  await rig.shell(`${rig.python} -m venv --without-pip project/.venv`);
  const site = (
    await rig.shell('.venv/bin/python -c "import site; print(site.getsitepackages()[0])"', { cwd: repo.root })
  ).stdout.trim();
  await repo.write({
    [join(site, '__editable__.pkg-1.pth').slice(repo.root.length + 1)]: `${repo.path('src')}\n`,
  });
  const { stdout } = await rig.shell(
    '. .venv/bin/activate && qwex run --hold -- python -c "import pkg; print(pkg.version, pkg.__file__)"',
    { cwd: repo.root },
  );
  const id = stdout.trim();
  await repo.write({ 'src/pkg/__init__.py': 'version = "edited"\n' });
  await rig.ok(['release', id]);
  const run = await rig.ended(id);
  expect(await rig.runFile(id, 'logs', 'stdout.log')).toBe(
    `committed ${join(rig.paths.spaces, id, 'src/pkg/__init__.py')}\n`,
  );
  expect(run.notes.join()).toMatch(/editable|PYTHONPATH/);
});

test("files of a run are made with the submitter's umask", async () => {
  await using rig = await Rig.start();
  await rig.repo();
  const { stdout } = await rig.shell('umask 027; cd project; qwex run -- sh -c "umask; echo x >out/x"');
  const run = await rig.ended(stdout.trim());
  expect(await rig.runFile(run.id, 'logs', 'stdout.log')).toBe('0027\n');
  expect((await lstat(join(run.directory, 'files/out/x'))).mode & 0o777).toBe(0o640);
});

test('a run submitted from inside a run is a run of its own', async () => {
  await using rig = await Rig.start({ slots: 2 });
  const repo = await rig.repo();
  const outer = await rig.submit(repo, '--', 'sh', '-c', `cd ${repo.root} && qwex run -- env`);
  const run = await rig.ended(outer);
  expect(run.exitCode).toBe(0);
  const inner = (await rig.runFile(outer, 'logs', 'stdout.log')).trim();
  expect((await rig.ended(inner)).status).toBe('succeeded');
  const env = await rig.runFile(inner, 'logs', 'stdout.log');
  expect(env).toContain(`QWEX_RUN_ID=${inner}\n`);
  expect(env).not.toContain(outer);
});
