import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Box, type OwnGrant } from '../../../daemon/box/index.ts';
import { DeviceLine } from '../../../daemon/scheduler/device-line.ts';
import { BoxRig } from '../box/rig.ts';
import { recipeOf, StoreRig } from '../store/rig.ts';

/** A line over a real box with fake devices; runs are claimed as the executor claims them, and prepared when the test says so. */
class LineRig {
  readonly box: BoxRig;
  readonly runs = new StoreRig();
  readonly claimed: string[] = [];
  readonly logged: string[] = [];
  readonly line: DeviceLine;
  fault: string | null = null;
  #waiting: (() => void)[] = [];

  private constructor(box: BoxRig, open: () => Promise<void>) {
    this.box = box;
    this.line = new DeviceLine({
      store: this.runs.store,
      problem: () => this.fault,
      open: async (onWake) => {
        await open();
        const home = join(box.folder, 'home');
        return { box: await Box.open({ root: box.root, home, onWake }), isShared: true };
      },
      start: (id) => {
        this.runs.store.claim(id, 'boot');
        this.claimed.push(id);
        for (const tell of this.#waiting.splice(0)) tell();
      },
      log: {
        warn: (_, message) => this.logged.push(message),
        error: (_, message) => this.logged.push(message),
      },
    });
  }

  static async open(devices: number, open = async () => {}): Promise<LineRig> {
    const rig = new LineRig(await BoxRig.open({ devices }), open);
    rig.line.open();
    await rig.line.known();
    rig.line.begin();
    return rig;
  }

  submit(gpus: number): string {
    const recipe = recipeOf();
    const asked = { ...recipe, resources: { ...recipe.resources, gpus, timeMs: 60_000 } };
    return this.runs.submit({ recipe: asked, jobId: `sha256:${gpus}` }).id;
  }

  async untilClaimed(...ids: string[]): Promise<void> {
    while (!ids.every((id) => this.claimed.includes(id)))
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async grant(id: string): Promise<OwnGrant> {
    const turn = await this.line.turnOf(id);
    if (turn.kind !== 'granted') throw new Error(turn.kind);
    return turn.grant;
  }

  tickets(): string[] {
    return readdirSync(join(this.box.root, 'tickets')).map((name) => name.replace('.json', ''));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.line.stop();
    await this.line.close();
    await this.box[Symbol.asyncDispose]();
    this.runs[Symbol.dispose]();
  }
}

test('every ready run has a ticket, and the first two are prepared ahead', async () => {
  await using rig = await LineRig.open(1);
  const first = rig.submit(1);
  await rig.untilClaimed(first);
  expect(await rig.grant(first)).toMatchObject({ run: first, devices: ['gpu0'] });
  const [second = '', third = '', fourth = ''] = [1, 1, 1].map((gpus) => rig.submit(gpus));
  // The one with the device doesn't count any more.
  await rig.untilClaimed(second, third);
  expect(rig.claimed).toEqual([first, second, third]);
  expect(rig.tickets().sort()).toEqual([first, second, third, fourth].sort());
});

test('a grant that comes before its run is prepared goes back, and comes again', async () => {
  await using rig = await LineRig.open(3);
  const ids = [1, 1, 1].map((gpus) => rig.submit(gpus));
  await rig.untilClaimed(...ids);
  const grants = await Promise.all(ids.map((id) => rig.grant(id)));
  expect(grants.flatMap(({ devices }) => devices).sort()).toEqual(['gpu0', 'gpu1', 'gpu2']);
});

test('a grant that is given back is given again, to the same run', async () => {
  await using rig = await LineRig.open(1);
  const id = rig.submit(1);
  await rig.untilClaimed(id);
  await rig.grant(id);
  rig.line.giveBack(id);
  expect((await rig.grant(id)).devices).toEqual(['gpu0']);
});

test('a cancel wish and a hold end the wait, and so does the end of the daemon', async () => {
  await using rig = await LineRig.open(1);
  const holder = rig.submit(1);
  await rig.untilClaimed(holder);
  await rig.grant(holder);
  const [cancelled = '', held = '', last = ''] = [1, 1, 1].map((gpus) => rig.submit(gpus));
  await rig.untilClaimed(cancelled);
  const turn = rig.line.turnOf(cancelled);
  rig.runs.store.requestCancel(cancelled);
  expect(await turn).toEqual({ kind: 'interrupted' });
  await rig.untilClaimed(held);
  // While it is still being prepared: as soon as it is.
  expect(rig.line.withdraw(held)).toBe(true);
  expect(await rig.line.turnOf(held)).toEqual({ kind: 'withdrawn' });
  expect(rig.line.withdraw(holder)).toBe(false);
  rig.line.leave(cancelled);
  rig.line.leave(held);
  await rig.untilClaimed(last);
  const waiting = rig.line.turnOf(last);
  await rig.line.stop();
  expect(await waiting).toEqual({ kind: 'interrupted' });
});

test.each([
  ['a pause', (rig: LineRig, on: boolean) => rig.runs.store.setPaused(on)],
  [
    'a full disk',
    (rig: LineRig, on: boolean) => {
      rig.fault = on ? 'the disk is full' : null;
      rig.line.wake();
    },
  ],
])('%s takes all tickets out of the line, and its end brings them back', async (_, forbid) => {
  await using rig = await LineRig.open(1);
  const holder = rig.submit(1);
  await rig.untilClaimed(holder);
  await rig.grant(holder);
  const next = rig.submit(1);
  await rig.untilClaimed(next);
  const waiting = rig.grant(next);
  forbid(rig, true);
  rig.line.giveBack(holder);
  rig.runs.store.cancel(holder, { reason: 'cancelled' });
  rig.line.leave(holder);
  const third = rig.submit(1);
  forbid(rig, false);
  expect((await waiting).run).toBe(next);
  expect(rig.tickets()).not.toContain(holder);
  await rig.untilClaimed(third);
});

test('a box that cannot be used is said in the reason of every run that needs it', async () => {
  const broken = async (): Promise<void> => {
    throw new Error('no such luck');
  };
  await using rig = await LineRig.open(1, broken);
  const id = rig.submit(1);
  expect(rig.line.explain(id)).toEqual({
    words: 'no devices: the box cannot be used: no such luck',
    position: null,
    expectedMs: null,
  });
  expect(rig.line.timeLimitMs({ timeMs: null })).toBeNull();
  expect(rig.line.noDevices()).toEqual({});
  expect(rig.logged).toHaveLength(1);
});

test('under a shared box a run without a limit has that of the box', async () => {
  await using rig = await LineRig.open(1);
  expect(rig.line.timeLimitMs({ timeMs: null })).toBe(12 * 3_600_000);
  expect(rig.line.timeLimitMs({ timeMs: 1000 })).toBe(1000);
  expect(rig.line.noDevices()).toMatchObject({ QWEX_GPUS: '', CUDA_VISIBLE_DEVICES: '' });
});
