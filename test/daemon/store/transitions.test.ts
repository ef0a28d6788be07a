import { describe, expect, it } from 'vitest';
import type { Store } from '../../../daemon/store/store.ts';
import { QwexError } from '../../../shared/errors.ts';
import { PHASES, TRANSITIONS, VERBS, type Verb } from '../../../shared/run-state.ts';
import { exitFacts, StoreRig } from './rig.ts';

type Said = Exclude<Verb, 'submit'>;

const SAY: Record<Said, (store: Store, id: string) => unknown> = {
  hold: (store, id) => store.hold(id),
  release: (store, id) => store.release(id),
  claim: (store, id) => store.claim(id, 'boot-1'),
  requeue: (store, id) => store.requeue(id),
  start: (store, id) => store.start(id, 1),
  exit: (store, id) => store.exit(id, exitFacts(2, {})),
  requestCancel: (store, id) => store.requestCancel(id),
  succeed: (store, id) => store.succeed(id, { reason: 'exit' }),
  fail: (store, id) => store.fail(id, { reason: 'prepare_failed' }),
  cancel: (store, id) => store.cancel(id, { reason: 'cancelled' }),
  lose: (store, id) => store.lose(id, { reason: 'lost' }),
};

const said = VERBS.filter((verb): verb is Said => verb !== 'submit');

describe.each(PHASES)('a run that is %s', (phase) => {
  it.each(said)('is told to %s', (verb) => {
    using rig = new StoreRig();
    // A run that isn't held can't be released to any effect, so that verb is tried on one that is.
    const run = rig.in(phase, { held: verb === 'release' && phase === 'queued' });
    const before = rig.everything();
    const heardBefore = rig.heard.length;
    const { from, to, event } = TRANSITIONS[verb];
    if ((from as readonly string[]).includes(phase)) {
      SAY[verb](rig.store, run.id);
      expect(rig.store.mustGet(run.id).phase).toBe(to === 'same' ? phase : to);
      expect(rig.types(run.id).slice(-1)).toEqual([`run.${event}`]);
      expect(rig.heard.length).toBe(heardBefore + 1);
      return;
    }
    const error = refused(() => SAY[verb](rig.store, run.id));
    expect(error.code).toBe('conflict');
    expect(error.message).toContain(run.id);
    expect(error.message).toMatch(/^cannot .*: it (is|has already ended)/);
    expect(rig.everything()).toBe(before);
    expect(rig.heard.length).toBe(heardBefore);
  });
});

describe('every verb', () => {
  it.each(said)('%s of a run that is not there is not_found', (verb) => {
    using rig = new StoreRig();
    expect(refused(() => SAY[verb](rig.store, 'nobody')).code).toBe('not_found');
    expect(rig.heard).toEqual([]);
  });

  it('has a method of its name', () => {
    using rig = new StoreRig();
    for (const verb of VERBS) expect(rig.store[verb]).toBeTypeOf('function');
  });
});

describe('said twice', () => {
  it('hold, release and a wish to cancel change nothing and tell nobody', () => {
    using rig = new StoreRig();
    const queued = rig.submit();
    rig.store.hold(queued.id);
    rig.store.hold(queued.id);
    rig.store.release(queued.id);
    rig.store.release(queued.id);
    expect(rig.types()).toEqual(['run.submitted', 'run.held', 'run.released']);
    const running = rig.in('running');
    rig.nowMs += 1000;
    const wished = rig.store.requestCancel(running.id);
    rig.nowMs += 1000;
    expect(rig.store.requestCancel(running.id)).toEqual(wished);
    expect(rig.types(running.id).filter((type) => type === 'run.cancel_requested')).toHaveLength(1);
  });

  it('a wish to cancel one that is being collected already is no conflict, but a first one is', () => {
    using rig = new StoreRig();
    const wished = rig.in('running');
    rig.store.requestCancel(wished.id);
    rig.store.exit(wished.id, exitFacts(3, {}));
    expect(rig.store.requestCancel(wished.id).phase).toBe('collecting');
    const other = rig.in('collecting');
    expect(refused(() => rig.store.requestCancel(other.id)).code).toBe('conflict');
  });
});

describe('claim', () => {
  it('counts attempts, remembers the boot, and keeps the place after a requeue', () => {
    using rig = new StoreRig();
    const first = rig.submit();
    const second = rig.submit();
    expect(rig.store.claim(first.id, 'boot-1')).toMatchObject({ attempt: 1, bootId: 'boot-1' });
    expect(rig.store.requeue(first.id)).toMatchObject({ phase: 'queued', claimedAt: null, attempt: 1 });
    expect(rig.store.runs.ready(10).map(({ id }) => id)).toEqual([first.id, second.id]);
    expect(rig.store.claim(first.id, 'boot-2')).toMatchObject({ attempt: 2, bootId: 'boot-2' });
  });

  it('refuses a held run, and one that waits for another', () => {
    using rig = new StoreRig();
    const held = rig.submit({ held: true });
    expect(refused(() => rig.store.claim(held.id, 'b')).message).toBe(
      `cannot claim run ${held.id}: it is held`,
    );
    const waiting = rig.submit({ after: [{ id: held.id, policy: 'any' }] });
    expect(refused(() => rig.store.claim(waiting.id, 'b')).message).toContain('waits for another run');
  });
});

describe('what was written down first', () => {
  it('the exit code stays, whatever follows', () => {
    using rig = new StoreRig();
    const run = rig.in('running');
    rig.store.exit(run.id, exitFacts(7, { exitCode: 3, reason: 'signal' }));
    expect(() => rig.store.exit(run.id, exitFacts(8, { exitCode: 0 }))).toThrow(/cannot record the exit/);
    rig.store.cancel(run.id, { reason: 'cancelled' });
    expect(() => rig.store.fail(run.id, { reason: 'exit' })).toThrow(/already ended \(cancelled\)/);
    expect(rig.store.mustGet(run.id)).toMatchObject({
      phase: 'cancelled',
      reason: 'cancelled',
      exitCode: 3,
      exitedAt: 7,
    });
  });

  it('keeps the start that the supervisor wrote when it differs', () => {
    using rig = new StoreRig();
    const run = rig.in('running');
    const exited = rig.store.exit(run.id, { ...exitFacts(9, {}), startedAt: 5 });
    expect(exited).toMatchObject({ startedAt: 5, exitedAt: 9 });
  });
});

function refused(work: () => unknown): QwexError {
  try {
    work();
  } catch (error) {
    if (error instanceof QwexError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
