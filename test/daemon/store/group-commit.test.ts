import { expect, test } from 'vitest';
import { GroupCommit } from '../../../daemon/store/group-commit.ts';
import { StoreRig } from './rig.ts';

/** Counts transactions; what fails in one leaves nothing of it in `done`. */
function counted() {
  const done: string[] = [];
  let commits = 0;
  const transaction = <T>(work: () => T): T => {
    const before = done.length;
    try {
      const result = work();
      commits += 1;
      return result;
    } catch (error) {
      done.length = before;
      throw error;
    }
  };
  const group = new GroupCommit(transaction);
  const join = (name: string) =>
    group.join(() => {
      done.push(name);
      if (name.startsWith('bad')) throw new Error(name);
      return name;
    });
  return { join, done, commits: () => commits };
}

test('what comes in one turn of the loop is committed once, in its order', async () => {
  const { join, done, commits } = counted();
  expect(await Promise.all([join('a'), join('b'), join('c')])).toEqual(['a', 'b', 'c']);
  expect(commits()).toBe(1);
  expect(await join('d')).toBe('d');
  expect({ done, commits: commits() }).toEqual({ done: ['a', 'b', 'c', 'd'], commits: 2 });
});

test('one that fails is refused alone', async () => {
  const { join, done } = counted();
  const answers = await Promise.allSettled([join('a'), join('bad'), join('c')]);
  expect(
    answers.map((answer) => (answer.status === 'rejected' ? answer.reason.message : answer.value)),
  ).toEqual(['a', 'bad', 'c']);
  expect(done).toEqual(['a', 'c']);
});

test('submissions at the same time: the good ones are there with their events, the bad one has left nothing', async () => {
  const rig = new StoreRig();
  const twin = rig.newRun();
  const wanted = [[rig.newRun()], [twin, { ...twin }], [rig.newRun()]];
  const answers = await Promise.allSettled(
    wanted.map((runs, index) => rig.store.submitWithOthers(runs, `key ${index}`)),
  );
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  const ids = wanted.map(([run]) => run?.id ?? '');
  expect(ids.map((id) => rig.store.runs.get(id)?.phase)).toEqual(['queued', undefined, 'queued']);
  expect(rig.heard.map(({ runId }) => runId)).toEqual([ids[0], ids[2]]);
  expect(rig.store.submittedWith('key 1')).toBeUndefined();
});
