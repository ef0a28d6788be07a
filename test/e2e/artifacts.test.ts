import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { lstat, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ArtifactList } from '../../shared/schemas/run.ts';
import { Rig } from '../rig/rig.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

test('files of the watched folder are kept with checksum, mode and links', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ 'out/committed.txt': 'same\n', 'out/changed.txt': 'old\n' });
  const script = `
    mkdir -p out/deep; printf model >out/deep/model.pth; printf x >out/tool; chmod 750 out/tool
    ln -s deep/model.pth out/latest; ln -s /etc/hostname out/outside
    echo log >out/noise.log; echo new >out/changed.txt`;
  const id = await rig.submit(repo, '--', 'sh', '-c', script);
  const run = await rig.ended(id);
  expect(run).toMatchObject({ status: 'succeeded', artifactCount: 5, notes: [] });
  const { artifacts, skipped, left } = await rig.json<ArtifactList>(['artifacts', id]);
  expect({ skipped, left }).toEqual({ skipped: [], left: [] });
  const found = Object.fromEntries(artifacts.map((artifact) => [artifact.path, artifact]));
  expect(Object.keys(found).sort()).toEqual([
    'out/changed.txt',
    'out/deep/model.pth',
    'out/latest',
    'out/outside',
    'out/tool',
  ]);
  expect(found['out/deep/model.pth']).toMatchObject({ type: 'file', sizeBytes: 5, sha256: sha256('model') });
  expect(found['out/tool']).toMatchObject({ mode: 0o750 });
  expect(found['out/latest']).toMatchObject({ type: 'symlink', target: 'deep/model.pth' });
  expect(await readlink(join(run.directory, 'files/out/outside'))).toBe('/etc/hostname');
  const table = await rig.ok(['artifacts', id]);
  expect(table).toContain('out/latest -> deep/model.pth');
});

test('files are kept after a failure and after a cancel too', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const failed = await rig.submit(repo, '--', 'sh', '-c', 'mkdir -p out; echo half >out/result; exit 1');
  expect(await rig.ended(failed)).toMatchObject({ status: 'failed', exitCode: 1, artifactCount: 1 });
  const program = await rig.program();
  const cancelled = await rig.submit(repo, '--', ...program.command);
  await program.started();
  await program.tell('mkdir -p out; echo half >out/result');
  await rig.ok(['cancel', cancelled]);
  expect(await rig.ended(cancelled)).toMatchObject({ status: 'cancelled', artifactCount: 1 });
  for (const id of [failed, cancelled]) expect(await rig.runFile(id, 'files/out/result')).toBe('half\n');
});

test('names with newlines, spaces and bytes that are no text survive a download', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const script = String.raw`
    mkdir -p "out/a
b"; cd out; echo 1 >"a
b/c
d"; echo 2 >" sp ace "; echo 3 >$'\xff\xfe'; echo 4 >'$(id);"x'; echo 5 >'ü😀'; echo 6 >'..hidden'; echo 7 >$'\e[31m'; echo 8 >'%2e%2e?#'`;
  const id = await rig.submit(repo, '--', 'bash', '-c', script);
  const run = await rig.ended(id);
  expect(run).toMatchObject({ status: 'succeeded', artifactCount: 8 });
  const target = rig.path('download');
  const said = await rig.ok(['artifacts', id, '--download', target]);
  expect(said).toContain('8 files');
  const names = (folder: string) =>
    readdirSync(Buffer.from(folder), { encoding: 'buffer' })
      .map((name) => name.toString('latin1'))
      .sort();
  const kept = join(run.directory, 'files/out');
  expect(names(join(target, 'out'))).toEqual(names(kept));
  expect(names(kept)).toContain('\xff\xfe');
  expect((await rig.shell(`diff -r ${kept} ${target}/out`)).code).toBe(0);
  // A table shows one line for each, and no escape sequence reaches the terminal.
  const table = await rig.ok(['artifacts', id]);
  expect(table.split('\n')).toHaveLength(9);
  expect(table).not.toContain('\x1b');
});

test('a download overwrites nothing unless it is forced to', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const id = await rig.submit(repo, '--', 'sh', '-c', 'mkdir -p out; echo new >out/a; echo new >out/b');
  await rig.ended(id);
  await rig.shell('mkdir -p target/out && echo mine >target/out/b');
  const refused = await rig.qwex(['artifacts', id, '--download', 'target']);
  expect(refused.code).toBe(5);
  expect(refused.stderr).toMatch(/out\/b.*\n.*--force/);
  expect((await rig.shell('cat target/out/b; ls target/out')).stdout).toBe('mine\nb\n');
  await rig.ok(['artifacts', id, '--download', 'target', '--force']);
  expect((await rig.shell('cat target/out/a target/out/b')).stdout).toBe('new\nnew\n');
});

test('--watch takes the place of the configured folders, and limits are kept', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({
    '.qwex/config.yaml':
      'artifacts: { watch_directories: [results], ignore_patterns: ["*.bak"], max_file_size_mb: 0.001 }\n',
  });
  const script =
    'mkdir -p results plots; echo a >results/a; echo b >results/b.bak; echo p >plots/p; head -c 2000 /dev/zero >results/big';
  const one = await rig.submit(repo, '--', 'sh', '-c', script);
  await rig.ended(one);
  const first = await rig.json<ArtifactList>(['artifacts', one]);
  expect(first.artifacts.map(({ path }) => path)).toEqual(['results/a']);
  expect(first.skipped).toMatchObject([{ path: 'results/big', reason: 'too_large', sizeBytes: 2000 }]);
  expect((await rig.qwex(['artifacts', one])).stderr).toContain('not kept: results/big');
  const two = await rig.submit(repo, '--watch', 'plots,none', '--', 'sh', '-c', script);
  await rig.ended(two);
  const second = await rig.json<ArtifactList>(['artifacts', two]);
  expect(second.artifacts.map(({ path }) => path)).toEqual(['plots/p']);
});

test('what a program left elsewhere is named and kept for a while', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ '.gitignore': 'wandb/\n', 'src/tracked.py': 'old\n' });
  const script =
    'echo m >model.pt; mkdir -p wandb/run src/__pycache__; echo w >wandb/run/log; echo c >src/__pycache__/c; mkdir -p out; echo o >out/o';
  const id = await rig.submit(repo, '--', 'sh', '-c', script);
  const run = await rig.ended(id);
  expect(run.notes.join()).toMatch(/left outside .*: .*model\.pt/);
  expect(run.notes.join()).toContain('wandb');
  expect(await rig.runFile(id, 'left/model.pt')).toBe('m\n');
  expect(await rig.runFile(id, 'left/wandb/run/log')).toBe('w\n');
  const { artifacts, left } = await rig.json<ArtifactList>(['artifacts', id]);
  expect(artifacts.map(({ path }) => path)).toEqual(['out/o']);
  expect(left.map(({ path }) => path).sort()).toEqual(['model.pt', 'wandb']);
  expect(await rig.ok(['status', id])).toMatch(/note +left outside .*model\.pt/);
});

test('whatever a program leaves in its space, the space is gone or as good as new', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const script = `
    mkdir -p locked/in nested; echo x >locked/in/file; chmod 500 locked/in locked
    git init -q nested; (cd nested; git -c user.name=a -c user.email=b commit -q --allow-empty -m x)
    mkfifo pipe; mkdir many; cd many; seq 1 3000 | xargs touch`;
  const id = await rig.submit(repo, '--', 'sh', '-c', script);
  expect(await rig.ended(id)).toMatchObject({ status: 'succeeded' });
  expect(await repo.git('worktree', 'list', '--porcelain')).not.toContain(`qwex run ${id}`);
  const next = await rig.submit(
    repo,
    '--',
    'sh',
    '-c',
    'find . -path ./.git -prune -o -print; git status --short',
  );
  expect(await rig.ended(next)).toMatchObject({ status: 'succeeded' });
  const tracked = await repo.git('ls-files');
  const seen = (await rig.runFile(next, 'logs', 'stdout.log')).trimEnd().split('\n').sort();
  expect(seen).toEqual(['.', './out', ...tracked.split('\n').map((path) => `./${path}`)].sort());
});

test('no artifacts is said, and is no failure', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const id = await rig.submit(repo, '--', 'true');
  await rig.ended(id);
  expect(await rig.qwex(['artifacts', id])).toMatchObject({ code: 0, stdout: '', stderr: 'no artifacts\n' });
});

test('a large artifact is moved, not changed, and downloads whole', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const id = await rig.submit(
    repo,
    '--',
    'sh',
    '-c',
    'mkdir -p out; head -c 30000000 /dev/urandom >out/model; sha256sum <out/model',
  );
  const run = await rig.ended(id);
  const [said] = (await rig.runFile(id, 'logs/stdout.log')).split(' ');
  const { artifacts } = await rig.json<ArtifactList>(['artifacts', id]);
  expect(artifacts[0]).toMatchObject({ path: 'out/model', sizeBytes: 30_000_000, sha256: said });
  await rig.ok(['artifacts', id, '-d', 'down']);
  const bytes = await readFile(rig.path('down/out/model'));
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(said);
  expect((await stat(join(run.directory, 'files/out/model'))).nlink).toBe(1);
  expect((await lstat(join(run.directory, 'artifacts.json'))).mode & 0o777).toBe(0o600);
});
