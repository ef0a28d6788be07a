// The daemon as its owner sees it: status, the queue's switch, stopping, and keeping the house clean.
import { QwexError } from '../../shared/errors.ts';
import type { HomePaths } from '../../shared/paths.ts';
import type {
  Check,
  DaemonStatus,
  GcResponse,
  Rebuilt,
  StopOrder,
  StopResponse,
} from '../../shared/schemas/local.ts';
import { VERSION } from '../../shared/version.ts';
import type { Store } from '../store/store.ts';
import { type DoctorDeps, examine } from './doctor.ts';
import { collectGarbage, type GcDeps, type GcRequest } from './gc.ts';

export interface HousekeepingDeps extends GcDeps, DoctorDeps {
  paths: HomePaths;
  store: Store;
  slots: () => number;
  problem: () => string | null;
  /** Begins to stop the daemon, after the answer has been sent. */
  beginStop: (order: StopOrder) => void;
  startedAtMs: number;
  index: DoctorDeps['index'] & {
    /** What this daemon has made the index from; null when it found it whole. */
    readonly rebuilt: Rebuilt | null;
  };
}

export class Housekeeping {
  readonly #deps: HousekeepingDeps;

  constructor(deps: HousekeepingDeps) {
    this.#deps = deps;
  }

  status(): DaemonStatus {
    const { paths, store, slots, problem, startedAtMs } = this.#deps;
    return {
      pid: process.pid,
      version: VERSION,
      socket: paths.socket,
      home: paths.home,
      startedAt: new Date(startedAtMs).toISOString(),
      slots: slots(),
      paused: store.isPaused,
      counts: store.runs.countByStatus(),
      memoryBytes: process.memoryUsage.rss(),
      problem: problem(),
    };
  }

  setPaused(paused: boolean): DaemonStatus {
    this.#deps.store.setPaused(paused);
    return this.status();
  }

  stop(order: StopOrder): StopResponse {
    const running = this.#deps.store.runs.countByStatus().running;
    this.#deps.beginStop(order);
    return { pid: process.pid, running };
  }

  gc(request: GcRequest): Promise<GcResponse> {
    return collectGarbage(this.#deps, request);
  }

  rebuilt(): Rebuilt {
    const { rebuilt } = this.#deps.index;
    if (rebuilt !== null) return rebuilt;
    throw new QwexError({
      code: 'not_found',
      message: 'the daemon that serves now found its index whole and has not rebuilt it',
      hint: 'qwex daemon logs',
    });
  }

  doctor(cwd: string | undefined): Promise<Check[]> {
    return examine(this.#deps, cwd);
  }
}
