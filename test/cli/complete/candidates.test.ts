import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../../cli/commands.ts';
import { FakeDaemon } from '../fake-daemon.ts';
import { aRun, qwex } from '../rig.ts';

/** What is offered behind `qwex`, the last word being typed. */
async function offered(home: string, ...words: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await qwex({ home }, '__complete', '--', ...words);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.split('\n').filter((word) => word !== '');
}

describe('without a daemon', () => {
  const home = '/nowhere';

  test('every command, and none that is hidden', async () => {
    const words = await offered(home, '');
    for (const { name } of COMMANDS) expect(words.includes(name)).toBe(name !== '__complete');
  });

  test.each([
    [['sta'], ['status']],
    [['daemon', 're'], ['restart']],
    [['list', '--stat'], ['--status']],
    [['list', '--status', 's'], ['succeeded']],
    [
      ['completion', ''],
      ['bash', 'zsh'],
    ],
    [['run', '--env-file', ''], [':files']],
    [['run', 'python', ''], [':files']],
    [['run', '--gpus', '2', 'python', '--fo'], [':files']],
    [['run', '--', ''], [':files']],
    [['artifacts', '--download', ''], [':files']],
    [['pause', ''], []],
    [['watch', ''], []],
  ])('%j offers %j', async (words, expected) => {
    expect(await offered(home, ...words)).toEqual(expected);
  });

  test('the options of run', async () => {
    expect(await offered(home, 'run', '--fo')).toEqual(['--follow']);
  });
});

test('runs by name and id, runners and jobs', async () => {
  await using daemon = await FakeDaemon.start();
  daemon.withRuns(aRun({ name: 'big' }), aRun({ id: 'x'.repeat(8) }));
  daemon.on('GET /api/local/v1/templates', {
    json: { templates: [{ name: 'env' }], runners: [{ name: 'hpc' }], jobs: ['train'] },
  });
  expect(await offered(daemon.home, 'watch', '')).toEqual(['big', '27201aca', 'xxxxxxxx']);
  expect(await offered(daemon.home, 'cancel', 'a', 'b')).toEqual(['big']);
  expect(await offered(daemon.home, 'run', '--after', '27')).toEqual(['27201aca']);
  expect(await offered(daemon.home, 'run', '-r', '')).toEqual(['hpc', 'env']);
  expect(await offered(daemon.home, 'run', '--job', '')).toEqual(['train']);
  expect(await offered(daemon.home, 'add', 'e')).toEqual(['env']);
});
