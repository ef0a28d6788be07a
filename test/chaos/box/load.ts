// The load: each member keeps some runs open, submitted to whatever daemon of theirs answers.
import { setTimeout as pause } from 'node:timers/promises';
import { API, LOCAL_API } from '../../../shared/api.ts';
import type { LocalSubmitResponse } from '../../../shared/schemas/local.ts';
import type { Run } from '../../../shared/schemas/run.ts';
import { persist } from '../persist.ts';
import { type BoxWish, boxCommand, boxWish } from './workload.ts';
import type { BoxWorld, Member } from './world.ts';

const OPEN_RUNS = 5;
const BETWEEN_FIRST_MS = 500;
const WAIT_SECONDS = 60;

export interface Promised {
  wish: BoxWish;
  member: Member;
  /** Undefined while nobody has answered. */
  id: string | undefined;
}

export class BoxLoad {
  readonly promised: Promised[] = [];
  readonly #world: BoxWorld;
  readonly #open = new Set<Promise<void>>();

  constructor(world: BoxWorld) {
    this.#world = world;
  }

  /** Submits until `stop`; resolves when every run of it has ended. */
  async run(stop: AbortSignal): Promise<void> {
    await Promise.all(this.#world.members.map((member, index) => this.#keepBusy(member, index, stop)));
    await Promise.all(this.#open);
  }

  async #keepBusy(member: Member, index: number, stop: AbortSignal): Promise<void> {
    const going = new Set<Promise<void>>();
    for (let number = 0; !stop.aborted; number += 1) {
      const run = this.#one(member, boxWish(this.#world, index, number)).finally(() => {
        going.delete(run);
        this.#open.delete(run);
      });
      going.add(run);
      // One after another at first: daemons that have just started are slow in everything.
      if (number < OPEN_RUNS) await pause(BETWEEN_FIRST_MS);
      this.#open.add(run);
      if (going.size >= OPEN_RUNS) await Promise.race(going);
    }
  }

  async #one(member: Member, wish: BoxWish): Promise<void> {
    const { seed, shared } = this.#world;
    const promised: Promised = { wish, member, id: undefined };
    this.promised.push(promised);
    const { gpus, gpuType, timeMs } = wish;
    const body = {
      cwd: member.repository,
      commands: [boxCommand(wish, shared)],
      environment: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C' },
      resources: { gpus, gpuType, timeMs },
      // Sent again to the next daemon when the first one dies before it has answered.
      idempotencyKey: `${seed}-${wish.tag}`,
    };
    const revive = () => member.revive();
    const { runs } = await persist(revive, () =>
      member.runner.request<LocalSubmitResponse>(LOCAL_API.submitLocal, { body }),
    );
    promised.id = runs[0]?.id;
    if (promised.id !== undefined) await this.#ended(member, promised.id);
  }

  async #ended(member: Member, id: string): Promise<void> {
    const isOver = async (): Promise<boolean> => {
      const query = { timeout: WAIT_SECONDS };
      const { status } = await member.runner.request<Run>(API.wait, { params: { id }, query });
      return status !== 'pending' && status !== 'running';
    };
    while (!(await persist(() => member.revive(), isOver)));
  }
}
