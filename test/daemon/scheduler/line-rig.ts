// The line of one daemon's runs over a real box with fake devices. Runs are claimed as the executor claims them, and are
// prepared when the test says so.
import { once } from 'node:events';
import { readdirSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { Box, type OwnGrant } from '../../../daemon/box/index.ts';
import { DeviceLine } from '../../../daemon/scheduler/device-line.ts';
import { BoxRig } from '../box/rig.ts';
import { recipeOf, StoreRig } from '../store/rig.ts';

export interface LineRigOptions {
  devices?: number;
  /** Comes before each opening of a box. */
  beforeOpen?: () => Promise<void>;
  retryMs?: number;
}

export class LineRig {
  readonly box: BoxRig;
  readonly runs = new StoreRig();
  readonly claimed: string[] = [];
  readonly logged: string[] = [];
  readonly line: DeviceLine;
  fault: string | null = null;
  /** The shared box that is meant; null for one of its own. */
  meant: string | null;
  /** Stands for the private box. */
  readonly own: string;
  /** Where no box is yet. */
  readonly later: string;
  /** Comes before everything. */
  prepared: Promise<void> = Promise.resolve();
  #waiting: (() => void)[] = [];

  private constructor(box: BoxRig, { beforeOpen, retryMs }: LineRigOptions) {
    this.box = box;
    this.meant = box.root;
    this.own = join(box.folder, 'own');
    this.later = join(box.folder, 'later');
    this.line = new DeviceLine({
      store: this.runs.store,
      problem: () => this.fault,
      meantBox: () => this.meant,
      open: async (root, onWake) => {
        await beforeOpen?.();
        const home = join(box.folder, 'home');
        return { box: await Box.open({ root: root ?? this.own, home, onWake }), isShared: root !== null };
      },
      ...(retryMs === undefined ? {} : { retryMs }),
      start: (id) => {
        this.runs.store.claim(id, 'boot');
        this.claimed.push(id);
        for (const tell of this.#waiting.splice(0)) tell();
      },
      log: {
        warn: (_, message) => this.logged.push(`warn: ${message}`),
        error: (_, message) => this.logged.push(`error: ${message}`),
      },
    });
  }

  static async open(options: LineRigOptions = {}, prepare = (_rig: LineRig) => {}): Promise<LineRig> {
    const rig = new LineRig(await BoxRig.open({ devices: options.devices ?? 1 }), options);
    prepare(rig);
    await rig.prepared;
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

  /** Until all can read that it can begin. */
  async untilPrepared(run: string): Promise<void> {
    const folder = join(this.box.root, 'tickets');
    const isThere = () => /"prepared":true/.test(readFileSync(join(folder, `${run}.json`), 'utf8'));
    const watcher = watch(folder);
    try {
      while (!isThere()) await once(watcher, 'change');
    } finally {
      watcher.close();
    }
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
