import { describe, expect, it } from 'vitest';
import { Scheduler } from '../../../daemon/scheduler/scheduler.ts';
import { exitFacts, StoreRig } from '../store/rig.ts';

/** A scheduler whose runs are claimed as the executor claims them. */
class Rig extends StoreRig {
  readonly started: string[] = [];
  readonly faults: string[] = [];
  slots = 1;
  fault: string | null = null;
  breaks = false;
  readonly scheduler = new Scheduler({
    store: this.store,
    slots: () => this.slots,
    problem: () => this.fault,
    start: (id) => {
      if (this.breaks) throw new Error('no room');
      this.store.claim(id, 'boot');
      this.started.push(id);
    },
    onError: (id) => this.faults.push(id),
  });

  override [Symbol.dispose](): void {
    this.scheduler.stop();
    super[Symbol.dispose]();
  }
}

/** The next turn of the event loop, when the scheduler has planned. */
const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

describe('the scheduler', () => {
  it('starts what waits when it starts, and then what is submitted', async () => {
    using rig = new Rig();
    rig.slots = 2;
    const first = rig.submit();
    rig.scheduler.start();
    await turn();
    const second = rig.submit();
    const third = rig.submit();
    await turn();
    expect(rig.started).toEqual([first.id, second.id]);
    rig.store.start(first.id, 1);
    rig.store.exit(first.id, exitFacts(2, {}));
    await turn();
    // Its command has ended: what follows takes no slot.
    expect(rig.started).toEqual([first.id, second.id, third.id]);
  });

  it('starts nothing while paused, and goes on by itself', async () => {
    using rig = new Rig();
    rig.scheduler.start();
    rig.store.setPaused(true);
    const run = rig.submit();
    await turn();
    expect(rig.started).toEqual([]);
    rig.store.setPaused(false);
    await turn();
    expect(rig.started).toEqual([run.id]);
  });

  it('starts nothing while something forbids it, until it is woken', async () => {
    using rig = new Rig();
    rig.fault = 'the disk is full';
    rig.scheduler.start();
    const run = rig.submit();
    await turn();
    expect(rig.scheduler.resources()).toEqual({ slots: 1, occupied: 0, paused: true });
    rig.fault = null;
    rig.scheduler.wake();
    await turn();
    expect(rig.started).toEqual([run.id]);
  });

  it('takes more at once when the slots become more', async () => {
    using rig = new Rig();
    rig.scheduler.start();
    for (let i = 0; i < 4; i += 1) rig.submit();
    await turn();
    expect(rig.started).toHaveLength(1);
    rig.slots = 3;
    rig.scheduler.wake();
    rig.scheduler.wake();
    await turn();
    expect(rig.started).toHaveLength(3);
  });

  it('outlives a run that cannot be started, which stays in its place', async () => {
    using rig = new Rig();
    rig.breaks = true;
    rig.scheduler.start();
    const run = rig.submit();
    await turn();
    expect(rig.faults).toEqual([run.id]);
    rig.breaks = false;
    rig.submit({ priority: -1 });
    await turn();
    expect(rig.started).toEqual([run.id]);
  });

  it('starts nothing once it is stopped, nor before it was started', async () => {
    using rig = new Rig();
    rig.submit();
    rig.scheduler.wake();
    await turn();
    rig.scheduler.start();
    rig.scheduler.start();
    rig.scheduler.stop();
    rig.scheduler.stop();
    rig.submit();
    await turn();
    expect(rig.started).toEqual([]);
  });
});
