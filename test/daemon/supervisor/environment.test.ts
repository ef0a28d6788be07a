import { writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Rig, type TestRun } from './rig.ts';

const PRINT = 'exec /bin/cat /proc/self/environ';

/** The environment of the script's program, byte for byte in latin1, for these NUL-separated entries. */
async function environmentOf(run: TestRun, entries: string[]): Promise<Map<string, string>> {
  await writeFile(
    run.request.environmentFile,
    Buffer.from(entries.map((entry) => `${entry}\0`).join(''), 'latin1'),
  );
  expect(await run.complete()).toMatchObject({ exitCode: 0 });
  const { stdout } = { stdout: await run.stdoutBytes() };
  const pairs = stdout.toString('latin1').split('\0').filter(Boolean);
  return new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

test('the job has the submitted environment and the variables of the run, and nothing of the supervisor', async () => {
  await using rig = await Rig.open();
  const run = await rig.run(PRINT);
  const found = await environmentOf(run, [
    'PATH=/usr/bin:/bin',
    'QWEX_RUN_ID=another',
    'SHLVL=3',
    'PWD=/nowhere',
    'OLDPWD=/x',
  ]);
  found.delete('_'); // bash's own
  expect(Object.fromEntries(found)).toEqual({
    PATH: '/usr/bin:/bin',
    PWD: rig.path('work'),
    QWEX_RUN_DIR: run.request.runDir,
    QWEX_RUN_ID: run.request.runId,
    SHLVL: '3',
  });
});

test('names that bash or the supervisor use itself arrive as they were; unexportable ones are left out', async () => {
  await using rig = await Rig.open();
  // IFS, RANDOM and their like would be changed by the script's own bash.
  const names = [
    'run',
    'job',
    'devices',
    'gate_in',
    'boot',
    'stop',

    'FUNCNEST',
    'TMOUT',
    'LANG',
    'POSIXLY_CORRECT',
  ];
  const odd = ['SUP_RUN_ID', 'HOME', 'TZ', 'QWEX_HOME', 'LC_ALL', 'REPLY', 'BASH_REMATCH', 'MAPFILE', 'ENV'];
  const all = [...names, ...odd].map((name) => `${name}=1`);
  const refused = [
    'UID=7',
    'EUID=7',
    'PPID=1',
    'BASHOPTS=x',
    'SHELLOPTS=x',
    'a.b=1',
    '1x=1',
    'a[$(touch pwned)]=1',
    'A+=1',
  ];
  const found = await environmentOf(await rig.run(PRINT), [...refused, ...all, 'LAST=1']);
  for (const name of [...names, ...odd, 'LAST']) expect(found.get(name), name).toBe('1');
  for (const entry of refused) expect(found.has(entry.slice(0, entry.indexOf('='))), entry).toBe(false);
});

test('exported functions survive, also ones that shadow builtins', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('module load cuda; my-tool; type -t exec export eval unset builtin');
  const body = (text: string) => `() {  ${text}\n}`;
  const shadows = ['exec', 'export', 'eval', 'unset', 'builtin', 'mapfile'].map(
    (name) => `BASH_FUNC_${name}%%=${body('echo shadowed')}`,
  );
  const functions = [
    `BASH_FUNC_module%%=${body('echo "module $*"')}`,
    `BASH_FUNC_my-tool%%=${body('echo "it\'s"')}`,
  ];
  const broken = ['BASH_FUNC_bad%%=() {  if', 'BASH_FUNC_no%%=echo no', 'BASH_FUNC_$(id)%%=() {  :\n}'];
  await writeFile(
    run.request.environmentFile,
    ['PATH=/usr/bin:/bin', ...shadows, ...broken, ...functions].map((entry) => `${entry}\0`).join(''),
  );
  expect(await run.complete()).toMatchObject({ exitCode: 0 });
  expect(await run.stdout()).toBe(
    "module load cuda\nit's\nfunction\nfunction\nfunction\nfunction\nbuiltin\n",
  );
});

test('a hostile environment reaches the job and not the supervisor', async () => {
  await using rig = await Rig.open();
  await writeFile(rig.path('bash_env'), `echo "$BASHPID" >>${rig.path('sourced')}\n`);
  const run = await rig.run('echo ran');
  await writeFile(
    run.request.environmentFile,
    ['PATH=/nowhere', 'LD_PRELOAD=/none.so', 'LC_ALL=xx_YY', `BASH_ENV=${rig.path('bash_env')}`]
      .map((e) => `${e}\0`)
      .join(''),
  );
  expect(await run.complete()).toMatchObject({ exitCode: 0, cause: 'exit' });
  expect(await run.stdout()).toBe('ran\n');
  expect(await run.stderr()).toContain('none.so');
});

test('any value arrives byte for byte', { timeout: 60_000 }, async () => {
  await using rig = await Rig.open();
  const value = fc.oneof(
    fc.uint8Array({ min: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    fc.string({ unit: 'binary-ascii', maxLength: 60 }).map((text) => text.replaceAll('\0', '')),
    fc.constantFrom('\n', '\'"`$(id)$x\\', '() {  :\n}', '\xff\xfe=\n', ' a  b '),
  );
  const name = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,12}$/).map((text) => `V_${text}`);
  await fc.assert(
    fc.asyncProperty(fc.dictionary(name, value, { maxKeys: 30 }), async (variables) => {
      const locale = 'LANG=C.UTF-8';
      const found = await environmentOf(await rig.run(PRINT), [
        locale,
        ...Object.entries(variables).map((e) => e.join('=')),
      ]);
      for (const [key, text] of Object.entries(variables)) expect(found.get(key)).toBe(text);
    }),
    { numRuns: 20 },
  );
});

test('no value is ever in an argv', async () => {
  await using rig = await Rig.open();
  const run = await rig.run(
    'mkfifo $here/go; echo here >$here/ready; read -r _ <$here/go; cat /proc/[0-9]*/cmdline | tr "\\0" "\\n"',
  );
  await writeFile(run.request.environmentFile, 'PATH=/usr/bin:/bin\0SECRET=hunter2-7391\0');
  const { exited } = await run.started();
  await run.said('ready');
  await run.say('go');
  await exited;
  expect(await run.stdout()).toContain('supervise.sh');
  expect(await run.stdout()).not.toContain('hunter2-7391');
});

test('the script has the umask it was submitted with, and what the supervisor writes stays private', async () => {
  await using rig = await Rig.open();
  const run = await rig.run('umask', { umask: 0o027 });
  expect(await run.complete()).toMatchObject({ exitCode: 0 });
  expect((await run.stdoutBytes()).toString()).toBe('0027\n');
});
