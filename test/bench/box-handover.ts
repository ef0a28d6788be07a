// From the last instruction of a run to the first one of the next run on its device: of the same member, and of another one.
// Beside a bare worktree and bash. As root the members are accounts of their own, else two daemons of one account.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalRunner } from '../../shared/client/index.ts';
import { BoxWorld } from '../chaos/box/world.ts';
import { isRoot } from '../rig/accounts.ts';
import { makeFakeBox } from '../rig/fake-box.ts';
import type { Bench } from './bench.ts';
import { compared, measured, percentile } from './figure.ts';
import { Rig } from './rig.ts';

const FIRST = 'echo begin $EPOCHREALTIME >>"$0"; sleep 0.7; echo end $EPOCHREALTIME >>"$0"';
const NEXT = 'echo next $EPOCHREALTIME >>"$0"';
const RESOURCES = { gpus: 1, gpuType: null, timeMs: 60_000 };

interface Party {
  runner: LocalRunner;
  repository: string;
}

export const boxHandover: Bench = {
  name: 'box-handover',
  about: "a freed device to the next run's first instruction, of the same member and of another",
  async *run({ quick }) {
    const rounds = quick ? 3 : 20;
    using rig = await Rig.start();
    using parties = await (isRoot ? accounts() : homes(rig));
    const [one, other] = parties.all;
    const project = rig.repository('bare', { 'README.md': 'a project\n' });
    for (const [who, next] of [
      ['the same member', one],
      ['another member', other],
    ] as const) {
      const [gaps, others]: [number[], number[]] = [[], []];
      for (let round = -1; round < rounds; round += 1) {
        const marks = join(parties.folder, `marks ${who} ${round}`);
        writeFileSync(marks, '');
        chmodSync(marks, 0o666);
        const gap = await handover(one, next, marks);
        const bare = bareStart(rig, project, `bare-${who.replaceAll(' ', '-')}-${round}`);
        if (round >= 0) gaps.push(gap) && others.push(bare);
      }
      const figure = `device freed → next run of ${who}`;
      const target = { atMost: 100 };
      const otherName = 'git worktree add + bash';
      yield compared({ figure, unit: 'ms', otherName, ours: gaps, others, target });
      const samples = gaps.length;
      yield measured({ figure: `${figure}, p99`, unit: 'ms', value: percentile(gaps, 99), samples, target });
    }
  },
};

/** Milliseconds between two runs, the second of which waits, prepared, when the first ends. */
async function handover(one: Party, next: Party, marks: string): Promise<number> {
  const first = await submit(one, FIRST, marks);
  // The second may have used less, and would go first.
  await begun(one, first);
  const second = await submit(next, NEXT, marks);
  for (const [{ runner }, id] of [
    [one, first],
    [next, second],
  ] as const) {
    const { status, message } = await runner.wait(id);
    if (status !== 'succeeded') throw new Error(`run ${id} is ${status}: ${message}`);
  }
  return timeOf('next', marks) - timeOf('end', marks);
}

async function begun({ runner }: Party, id: string): Promise<void> {
  for await (const item of runner.watch(id)) {
    if (item.type === 'run' && item.run.status === 'running') return;
    if (item.type === 'end') throw new Error(`run ${id} ended before the next one was there`);
  }
}

async function submit({ runner, repository: cwd }: Party, bash: string, marks: string): Promise<string> {
  const environment = { PATH: process.env.PATH ?? '/usr/bin:/bin' };
  const commands = [['bash', '-c', bash, marks]];
  const { runs } = await runner.submitFrom({ cwd, commands, environment, resources: RESOURCES });
  if (runs[0] === undefined) throw new Error('nothing was submitted');
  return runs[0].id;
}

function timeOf(what: string, marks: string): number {
  const time = new RegExp(`^${what} (\\S+)$`, 'm').exec(readFileSync(marks, 'utf8'))?.[1];
  return Number(time) * 1000;
}

function bareStart(rig: Rig, cwd: string, name: string): number {
  const [space, mark] = [join(rig.folder, name), join(rig.folder, `${name}.mark`)];
  const begun = performance.timeOrigin + performance.now();
  rig.git(cwd, 'worktree', 'add', '--quiet', '--detach', space, 'HEAD');
  rig.spawn('bash', ['-c', NEXT, mark], space);
  const begin = timeOf('next', mark);
  rig.git(cwd, 'worktree', 'remove', '--force', space);
  return begin - begun;
}

interface Parties extends Disposable {
  folder: string;
  all: readonly [Party, Party];
}

async function accounts(): Promise<Parties> {
  const world = await BoxWorld.make({ seed: 1, accounts: 2, types: ['fake'] });
  for (const member of world.members) await member.revive();
  const [one, other] = world.members;
  if (one === undefined || other === undefined) throw new Error('the accounts were not made');
  return { folder: world.folder, all: [one, other], [Symbol.dispose]: () => world[Symbol.dispose]() };
}

/** `rig` and a second one, in one box. */
async function homes(rig: Rig): Promise<Parties> {
  const second = await Rig.start();
  const box = join(rig.folder, 'box');
  await makeFakeBox({ path: box });
  const parties = [rig, second].map((each) => {
    each.qwex(['config', 'set', 'box', box]);
    each.stopDaemon();
    each.startDaemon();
    return { runner: each.runner, repository: each.repository('project', { 'README.md': 'a project\n' }) };
  });
  const [one, other] = parties;
  if (one === undefined || other === undefined) throw new Error('the homes were not made');
  return { folder: rig.folder, all: [one, other], [Symbol.dispose]: () => second[Symbol.dispose]() };
}
