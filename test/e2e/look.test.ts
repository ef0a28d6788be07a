// Looking at runs: list, status, the words that name a run, --json everywhere.
import { expect, test } from 'vitest';
import type { Run } from '../../shared/schemas/run.ts';
import { Rig } from '../rig/rig.ts';

test('list shows the newest first, with the columns in use, and filters', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const failed = await rig.submit(repo, '--name', 'bad', '--', 'false');
  await rig.ended(failed);
  const held = await rig.submit(repo, '--hold', '--', 'echo', 'a b');
  const table = await rig.ok(['list']);
  const [head, first, second] = table.split('\n');
  expect(head).toMatch(/^ID +NAME +STATUS +SUBMITTED +TOOK +COMMAND +WAITS FOR/);
  expect(first).toContain(`${held.slice(-8)} `);
  expect(first).toMatch(/pending \(held\).*echo 'a b'/);
  expect(second).toMatch(/bad +failed \(exit 1\)/);
  expect(await rig.ok(['ls', '--status', 'failed'])).not.toContain(held.slice(-8));
  expect(await rig.ok(['ps', '--name', 'bad'])).toContain(failed.slice(-8));
  expect((await rig.json<Run[]>(['list', '-n', '1'])).map(({ id }) => id)).toEqual([held]);
  expect(await rig.json<Run[]>(['list', '-w', 'elsewhere'])).toEqual([]);
  expect(await rig.json<Run[]>(['list', '--since', '1h'])).toHaveLength(2);
  expect(await rig.json<Run[]>(['list', '--since', '2100-01-01'])).toEqual([]);
  expect((await rig.qwex(['list', '--since', 'yesterday'])).code).toBe(2);
});

test('an empty list says how to begin, on stderr', async () => {
  await using rig = await Rig.start();
  const { code, stdout, stderr } = await rig.qwex(['list']);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  expect(stderr).toContain('qwex run');
  expect(await rig.json(['list'])).toEqual([]);
});

test('status tells all about a run; on a pipe without colour, in a terminal with', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo({ 'sub/x': '' });
  const id = await rig.ok(['run', '--name', 'fine', '--time', '2h', '--', 'sh', '-c', 'exit 4'], {
    cwd: repo.path('sub'),
  });
  const run = await rig.ended(id);
  const text = await rig.ok(['status', 'fine']);
  for (const part of [
    id,
    run.source.sha,
    run.directory,
    run.jobId,
    "sh -c 'exit 4'",
    'failed (exit 4)',
    '2h',
  ])
    expect(text).toContain(part);
  expect(text).not.toContain('\x1b');
  const shown = await rig.terminal(['status', id], { env: { TERM: 'xterm-256color' } }).ended;
  expect(shown.stdout).toContain('\x1b[');
  const plain = await rig.terminal(['status', id], { env: { TERM: 'xterm', NO_COLOR: '1' } }).ended;
  expect(plain.stdout).not.toContain('\x1b');
  expect(await rig.json<Run>(['status', id])).toMatchObject({ id, exitCode: 4, subdir: 'sub' });
});

test('a run is named by its id, a part of it, its name, @ and @~N', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const first = await rig.submit(repo, '--hold', '--name', 'train', '--', 'true');
  const second = await rig.submit(repo, '--hold', '--', 'true');
  const third = await rig.submit(repo, '--hold', '--name', 'train', '--', 'true');
  const named = async (word: string) => (await rig.json<Run>(['status', word])).id;
  expect(await named(second)).toBe(second);
  expect(await named(second.toUpperCase())).toBe(second);
  expect(await named(second.slice(-8))).toBe(second);
  expect(await named(second.slice(0, -4))).toBe(second);
  expect(await named('train')).toBe(third);
  expect(await named('@')).toBe(third);
  expect(await named('@~1')).toBe(second);
  expect(await named('@~2')).toBe(first);
  for (const word of ['@~3', 'ffffffff', 'nobody', third.slice(-3)])
    expect((await rig.qwex(['status', word])).code, word).toBe(3);
  // Ids of one minute begin alike.
  const ambiguous = await rig.qwex(['status', third.slice(0, 6)]);
  expect(ambiguous.code).toBe(4);
  for (const id of [first, second, third]) expect(ambiguous.stderr).toContain(id);
  const json = await rig.qwex(['status', '--json', third.slice(0, 6)]);
  expect(JSON.parse(json.stdout).error).toMatchObject({ code: 'ambiguous' });
});

test('--json is pure JSON from every command that answers with data', async () => {
  await using rig = await Rig.start();
  const repo = await rig.repo();
  const id = await rig.submit(repo, '--', 'true');
  await rig.ended(id);
  const commands = [
    ['run', '--hold', '--json', '--', 'true'],
    ['run', '--dry-run', '--json', '--', 'true'],
    ['list', '--json'],
    ['status', '--json', id],
    ['logs', '--json', id],
    ['wait', '--json', id],
    ['hold', '--json', '@'],
    ['release', '--json', '@'],
    ['cancel', '--json', '@'],
    ['rerun', '--json', id],
    ['pause', '--json'],
    ['resume', '--json'],
    ['artifacts', '--json', id],
    ['checkout', '--json', id, rig.path('there')],
    ['diff', '--json', id, id],
    ['init', '--json'],
    ['compile', '--json', '--', 'true'],
    ['add', '--json', 'nice'],
    ['templates', '--json'],
    ['config', 'list', '--json'],
    ['config', 'set', '--json', 'slots', '2'],
    ['config', 'get', '--json', 'slots'],
    ['config', 'unset', '--json', 'slots'],
    ['daemon', 'status', '--json'],
    ['daemon', 'start', '--json'],
    ['gc', '--json'],
    ['doctor', '--json'],
  ];
  await rig.ok(['pause']);
  for (const args of commands) {
    const { code, stdout, stderr } = await rig.qwex(args, { cwd: repo.root });
    expect(code, `${args.join(' ')}: ${stdout}${stderr}`).toBe(0);
    const answer = JSON.parse(stdout);
    expect(answer.schema_version, args.join(' ')).toBe(1);
    expect(answer.data, args.join(' ')).toBeDefined();
  }
  const failure = await rig.qwex(['status', '--json', 'nobody']);
  expect(failure).toMatchObject({ code: 3, stderr: '' });
  expect(JSON.parse(failure.stdout)).toMatchObject({ schema_version: 1, error: { code: 'not_found' } });
});

test('times are local for people and ISO in JSON', async () => {
  await using rig = await Rig.start({ env: { TZ: 'Pacific/Kiritimati' } });
  const repo = await rig.repo();
  const id = await rig.submit(repo, '--hold', '--', 'true');
  const { createdAt } = await rig.json<Run>(['status', id]);
  expect(createdAt).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  const local = new Intl.DateTimeFormat('sv-SE', {
    timeZone: 'Pacific/Kiritimati',
    timeStyle: 'medium',
  }).format(new Date(createdAt));
  expect(await rig.ok(['status', id])).toContain(local);
});
