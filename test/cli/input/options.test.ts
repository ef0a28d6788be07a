import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { misplacedOptions } from '../../../cli/input/misplaced.ts';
import { buildSubmitRequest, resourcesOf, submitterEnvironment } from '../../../cli/input/submit-options.ts';
import { integerIn, parseGpus, parseTime } from '../../../cli/input/values.ts';

describe('values', () => {
  test.each([
    ['2', { gpus: 2 }],
    ['0', { gpus: 0 }],
    ['a100', { gpus: 1, gpuType: 'a100' }],
    ['rtx-4090:3', { gpus: 3, gpuType: 'rtx-4090' }],
  ])('--gpus %s', (text, request) => {
    expect(parseGpus(text)).toEqual(request);
  });

  test.each(['', '-1', '1.5', ':2', 'a100:', '2:a100', 'a b'])('--gpus %j is refused', (text) => {
    expect(() => parseGpus(text)).toThrow(/TYPE:NUMBER/);
  });

  test('whole numbers within limits', () => {
    expect(integerIn(-10, 10)('-3')).toBe(-3);
    for (const text of ['', '1.5', 'x', '11', '1e1', '0x1']) expect(() => integerIn(-10, 10)(text)).toThrow();
  });

  test('times need a unit', () => {
    expect(parseTime('1h30m')).toBe(5_400_000);
    expect(() => parseTime('30')).toThrow(/unit/);
  });
});

describe('the request', () => {
  const place = { cwd: '/w', env: { HOME: '/h', TOKEN: 't' } };

  test('asks only for what was given, so that the config decides the rest', async () => {
    const request = await buildSubmitRequest([['a']], {}, place);
    expect(JSON.parse(JSON.stringify(request))).toEqual({
      cwd: '/w',
      commands: [['a']],
      environment: { HOME: '/h', TOKEN: 't' },
      env: {},
      umask: process.umask(),
    });
    expect(resourcesOf({ time: 5 })).toEqual({ timeMs: 5 });
    expect(resourcesOf({ gpus: { gpus: 2 } })).toEqual({ gpus: 2 });
  });

  test('--env beats --env-file, and K alone takes the value that is set here', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'qwex-env-'));
    try {
      await writeFile(join(folder, 'a.env'), 'A=file\nB=file\n');
      const options = { envFile: ['a.env'], env: ['A=x=y', 'TOKEN'] };
      const request = await buildSubmitRequest([['a']], options, { ...place, cwd: folder });
      expect(request.env).toEqual({ A: 'x=y', B: 'file', TOKEN: 't' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test.each(['MISSING', '=x'])('--env %s is a usage error', async (assignment) => {
    await expect(buildSubmitRequest([['a']], { env: [assignment] }, place)).rejects.toMatchObject({
      code: 'usage',
    });
  });

  test('nothing of this shell or of the run that we are in is passed on', () => {
    const env = {
      PATH: '/bin',
      PWD: '/x',
      OLDPWD: '/y',
      SHLVL: '2',
      _: '/z',
      QWEX_RUN_ID: 'r',
      QWEX_HOME: '/q',
    };
    expect(submitterEnvironment(env)).toEqual({ PATH: '/bin', QWEX_HOME: '/q' });
  });
});

describe('an option behind the command', () => {
  const options = [
    { long: '--gpus', takesValue: true },
    { long: '--follow', takesValue: false },
  ];

  test('is named, with the command line that was meant', () => {
    expect(misplacedOptions(['python', 'a b.py', '--gpus', '2', '-x'], options)).toEqual([
      "--gpus 2 was given to the command; if qwex shall have it, put it before: qwex run --gpus 2 -- python 'a b.py' -x",
    ]);
    expect(misplacedOptions(['python', '--gpus=2', '--follow'], options)).toHaveLength(2);
  });

  test('is no matter when it is another word', () => {
    expect(misplacedOptions(['--gpus', 'x', '--gpu', 'gpus', '--followed'], options)).toEqual([]);
  });
});
