import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { type JobRequest, jobCommand, type ResolvedJob, resolveJob } from '../../../daemon/compiler/index.ts';
import { loadWorkspace } from '../../../daemon/config/index.ts';
import { makeFixture } from './fixture.ts';

describe('jobCommand', () => {
  const output = (command: string | string[], extra: string[]): string => {
    const [program = '', ...words] = jobCommand('train', command, extra);
    return execFileSync(program, words, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH, X: 'shell text' },
    });
  };

  it.each([
    ["printf '[%s]'", ["it's", '', '$X'], "[it's][][$X]"],
    ['printf "[%s]" "$X"', [], '[shell text]'],
    ['printf "[%s]" a && printf "[%s]"', ['b c'], '[a][b c]'],
    ['printf "[%s]" "$2" "$1"', ['a', 'b'], '[b][a]'],
    ['printf "[%s]" "$' + '{@:2}" end', ['a', 'b'], '[b][end]'],
    ['printf "[%s]" "$0"\n', [], '[train]'],
    [['printf', '[%s]', '$X'], ['y z'], '[$X][y z]'],
  ])('%j with %j', (command, extra, expected) => {
    expect(output(command, extra)).toBe(expected);
  });
});

describe('resolveJob', () => {
  const resolve = async (request: JobRequest): Promise<ResolvedJob> => {
    await using fixture = await makeFixture({
      'qwex.yaml': `defaults: { runner: slow }
resources: { gpus: 1, time: 1h }
jobs:
  train: { command: python train.py, runner: nice, resources: { gpus: 2 } }
  test: { command: [pytest, -q] }
`,
    });
    return resolveJob(await loadWorkspace(fixture.path), request);
  };

  it('takes the request, then the job, then the defaults', async () => {
    expect(await resolve({ command: ['a'] })).toEqual({
      job: null,
      command: ['a'],
      runner: 'slow',
      resources: { gpus: 1, gpuType: null, timeMs: 3_600_000 },
    });
    expect(await resolve({ job: 'train', command: ['--lr', '1'] })).toEqual({
      job: 'train',
      command: ['bash', '-c', 'python train.py "$@"', 'train', '--lr', '1'],
      runner: 'nice',
      resources: { gpus: 2, gpuType: null, timeMs: 3_600_000 },
    });
    expect(
      await resolve({ job: 'test', command: [], runner: 'base', resources: { timeMs: null, gpus: 0 } }),
    ).toEqual({
      job: 'test',
      command: ['pytest', '-q'],
      runner: 'base',
      resources: { gpus: 0, gpuType: null, timeMs: null },
    });
  });

  it('says what is missing', async () => {
    await expect(resolve({ job: 'trian', command: [] })).rejects.toMatchObject({
      code: 'not_found',
      message: 'there is no job "trian" in qwex.yaml; did you mean "train"?',
    });
    await expect(resolve({ command: [] })).rejects.toMatchObject({ code: 'usage' });
    await expect(resolve({ command: [''] })).rejects.toMatchObject({ code: 'usage' });
  });
});
