// The parts of the runner that only decide.
import { describe, expect, it } from 'vitest';
import { differingFields } from '../../../daemon/runner/differing-fields.ts';
import { EndSignals } from '../../../daemon/runner/end-signals.ts';
import { rerunEnvironment, runEnvironment } from '../../../daemon/runner/run-environment.ts';
import { endingOf } from '../../../daemon/runner/verdict.ts';
import type { RunRecord } from '../../../daemon/store/record.ts';
import { END_REASONS } from '../../../shared/run-state.ts';
import { exitFacts, recipeOf, StoreRig } from '../store/rig.ts';

function exited(over: Partial<RunRecord>): RunRecord {
  using rig = new StoreRig();
  const run = rig.in('collecting');
  return { ...run, exitedAt: 1000, ...over };
}

describe('the verdict on a run that has exited', () => {
  it.each([
    ['success', { reason: 'exit', exitCode: 0 }, 'succeed', 'exit'],
    ['another code', { reason: 'exit', exitCode: 2 }, 'fail', 'exit'],
    ['a signal', { reason: 'signal', exitCode: 139 }, 'fail', 'signal'],
    ['its time limit', { reason: 'timeout', exitCode: 143 }, 'fail', 'timeout'],
    ['nobody knows what', { reason: 'lost', exitCode: null }, 'lose', 'lost'],
    ['no reason at all', { reason: null, exitCode: null }, 'lose', 'lost'],
    ['cancelled by its supervisor', { reason: 'cancelled', exitCode: 143 }, 'cancel', 'cancelled'],
    [
      'a wish before its exit, though it succeeded',
      { reason: 'exit', exitCode: 0, cancelRequestedAt: 999 },
      'cancel',
      'cancelled',
    ],
    [
      'a wish at the very moment',
      { reason: 'exit', exitCode: 0, cancelRequestedAt: 1000 },
      'cancel',
      'cancelled',
    ],
    [
      'a wish that came too late',
      { reason: 'exit', exitCode: 0, cancelRequestedAt: 1001 },
      'succeed',
      'exit',
    ],
    [
      'a wish, and then nobody saw it',
      { reason: 'lost', exitCode: null, cancelRequestedAt: 999 },
      'cancel',
      'cancelled',
    ],
  ] as const)('by %s', (_, over, verb, reason) => {
    expect(endingOf(exited(over))).toEqual({ verb, ending: { reason } });
  });

  it.each(END_REASONS)('for the reason %s is one that the store takes', (reason) => {
    using rig = new StoreRig();
    const run = rig.in('running');
    const collecting = rig.store.exit(run.id, exitFacts(5, { exitCode: 1, reason }));
    const { verb, ending } = endingOf(collecting);
    expect(rig.store[verb](run.id, ending).finishedAt).not.toBeNull();
  });
});

describe('the environment of a run', () => {
  it('is the submitter’s without their terminal, without another run, and with what was set on purpose', () => {
    const submitter = {
      ...{ PATH: '/bin', HOME: '/h', VIRTUAL_ENV: '/v', QWEX_HOME: '/q', SEED: '1' },
      ...{ PWD: '/x', TMUX: '1', QWEX_RUN_ID: 'other', QWEX_GPUS: '0', GIT_DIR: '/g', GIT_INDEX_FILE: 'i' },
    };
    expect(runEnvironment(submitter, { SEED: '2', PWD: 'on purpose' })).toEqual({
      ...{ PATH: '/bin', HOME: '/h', VIRTUAL_ENV: '/v', QWEX_HOME: '/q', SEED: '2', PWD: 'on purpose' },
    });
  });

  it('of a rerun takes what the config sets, and wants what was set by hand to be there again', () => {
    const run = {
      id: '018f5a20-1111-7abc-8def-0123456789ab',
      recipe: recipeOf({ envNames: ['MODE', 'TOKEN'] }),
    };
    const sources = JSON.stringify([{ path: '.qwex/config.yaml', text: 'env: { MODE: fast }\n' }]);
    expect(rerunEnvironment(run, sources, { TOKEN: 't', PATH: '/bin' })).toEqual({
      MODE: 'fast',
      TOKEN: 't',
      PATH: '/bin',
    });
    expect(() => rerunEnvironment(run, sources, { PATH: '/bin' })).toThrow(
      expect.objectContaining({ code: 'conflict', hint: 'set it again: TOKEN=… qwex rerun 456789ab' }),
    );
  });
});

describe('signals of an end', () => {
  it('wake who waits, are kept for who waits next, and forgotten with the run', async () => {
    const ends = new EndSignals();
    const woken = ends.wait('a');
    ends.signal('a');
    await woken;
    ends.signal('a');
    ends.signal('a');
    await ends.wait('a');
    let isAwake = false;
    const waiting = ends.wait('a').then(() => {
      isAwake = true;
    });
    ends.signal('b');
    await Promise.resolve();
    expect(isAwake).toBe(false);
    ends.signal('a');
    await waiting;
    ends.signal('a');
    ends.forget('a');
    const fresh = ends.wait('a');
    ends.signal('a');
    await fresh;
  });
});

describe('the difference of two runs', () => {
  it('names what differs, in words, and nothing else', () => {
    const a = exited({ phase: 'succeeded', exitCode: 0 });
    const resources = { gpus: 2, gpuType: 'a100', timeMs: 5_400_000 };
    const b = {
      ...a,
      exitCode: null,
      phase: 'running' as const,
      recipe: { ...a.recipe, resources, subdir: 'lib' },
    };
    expect(differingFields(a, a)).toEqual([]);
    expect(differingFields(a, b)).toEqual([
      { name: 'directory', a: null, b: 'lib' },
      { name: 'GPUs', a: null, b: '2 a100' },
      { name: 'time limit', a: null, b: '1h30m' },
      { name: 'result', a: 'succeeded (exit code 0)', b: 'running' },
    ]);
  });
});
