// Any sequence of verbs against a model of a few lines: what is refused, where runs end up, what waits for what.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { QwexError } from '../../../shared/errors.ts';
import { hasEnded, type Phase, TRANSITIONS, type Verb } from '../../../shared/run-state.ts';
import { exitFacts, StoreRig } from './rig.ts';

interface Model {
  phase: Phase;
  held: boolean;
  needs: { run: number; policy: 'success' | 'any' }[];
}

const verbs: Exclude<Verb, 'submit'>[] = [
  ...['hold', 'release', 'claim', 'requeue', 'start', 'exit', 'requestCancel'],
  ...['succeed', 'fail', 'cancel', 'lose'],
] as Exclude<Verb, 'submit'>[];

const step = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({
      verb: fc.constant('submit' as const),
      needs: fc.uniqueArray(fc.nat(5), { maxLength: 2 }),
      policy: fc.constantFrom('success' as const, 'any' as const),
      held: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ verb: fc.constantFrom(...verbs), run: fc.nat(5) }) },
);

it('ends where the model ends, and refuses what the model refuses', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      using rig = new StoreRig();
      const ids: string[] = [];
      const model: Model[] = [];
      for (const said of steps) {
        if (said.verb === 'submit') {
          const needs = said.needs
            .filter((run) => run < ids.length)
            .map((run) => ({ run, policy: said.policy }));
          const after = needs.map(({ run, policy }) => ({ id: ids[run] ?? '', policy }));
          ids.push(rig.submit({ after, held: said.held }).id);
          model.push({ phase: 'queued', held: said.held, needs });
          settleModel(model);
        } else if (ids[said.run] !== undefined) {
          const heard = rig.heard.length;
          const worked = say(rig, said.verb, ids[said.run] ?? '');
          expect(worked).toBe(sayToModel(model, said.verb, said.run));
          if (!worked) expect(rig.heard).toHaveLength(heard);
        }
        compare(rig, ids, model);
      }
      expect(rig.heard.map(({ seq }) => seq)).toEqual(rig.heard.map((_, index) => index + 1));
      expect(rig.store.events.since(0, 10_000)).toEqual(rig.heard);
    }),
    { numRuns: 300 },
  );
});

function compare(rig: StoreRig, ids: string[], model: Model[]): void {
  const runs = ids.map((id) => rig.store.mustGet(id));
  expect(runs.map(({ phase, held }) => ({ phase, held }))).toEqual(
    model.map(({ phase, held }) => ({ phase, held })),
  );
  for (const [index, run] of runs.entries())
    if (run.phase === 'queued') expect(run.unmet).toBe(unmet(model, index));
  const ready = runs.filter((run, index) => run.phase === 'queued' && !run.held && unmet(model, index) === 0);
  expect(rig.store.runs.ready(100).map(({ id }) => id)).toEqual(ready.map(({ id }) => id));
  expect([...rig.store.runs.places().keys()]).toEqual(ready.map(({ id }) => id));
  for (const [place, run] of ready.entries()) expect(rig.store.runs.countAhead(run)).toBe(place);
}

function say(rig: StoreRig, verb: Exclude<Verb, 'submit'>, id: string): boolean {
  const { store } = rig;
  const exitCode = store.mustGet(id).exitCode;
  try {
    if (verb === 'claim') store.claim(id, 'boot');
    else if (verb === 'start') store.start(id, 1);
    else if (verb === 'exit') store.exit(id, exitFacts(2, {}));
    else if (verb === 'succeed') store.succeed(id, { reason: 'exit' });
    else if (verb === 'fail') store.fail(id, { reason: exitCode === null ? 'prepare_failed' : 'exit' });
    else if (verb === 'cancel') store.cancel(id, { reason: 'cancelled' });
    else if (verb === 'lose') store.lose(id, { reason: 'lost' });
    else store[verb](id);
    return true;
  } catch (error) {
    if (error instanceof QwexError && error.code === 'conflict') return false;
    throw error;
  }
}

function sayToModel(model: Model[], verb: Exclude<Verb, 'submit'>, index: number): boolean {
  const run = model[index];
  if (!run) return false;
  const { from, to } = TRANSITIONS[verb];
  const wishedBefore = verb === 'requestCancel' && run.phase === 'collecting' && wished.has(run);
  if (!(from as readonly Phase[]).includes(run.phase)) return wishedBefore;
  if (verb === 'claim' && (run.held || unmet(model, index) > 0)) return false;
  if (verb === 'requestCancel') wished.add(run);
  if (verb === 'hold') run.held = true;
  if (verb === 'release') run.held = false;
  if (to !== 'same') run.phase = to;
  if (hasEnded(run.phase)) run.held = false;
  settleModel(model);
  return true;
}

const wished = new WeakSet<Model>();

function unmet(model: Model[], index: number): number {
  const needs = model[index]?.needs ?? [];
  return needs.filter(({ run, policy }) => {
    const phase = model[run]?.phase ?? 'queued';
    return !(phase === 'succeeded' || (policy === 'any' && hasEnded(phase)));
  }).length;
}

/** Queued runs whose dependency can't come true any more fail, until nothing changes. */
function settleModel(model: Model[]): void {
  for (let changed = true; changed; ) {
    changed = false;
    for (const run of model) {
      const isDoomed = run.needs.some(({ run: needed, policy }) => {
        const phase = model[needed]?.phase;
        return policy === 'success' && (phase === 'failed' || phase === 'cancelled');
      });
      if (run.phase !== 'queued' || !isDoomed) continue;
      Object.assign(run, { phase: 'failed', held: false });
      changed = true;
    }
  }
}
