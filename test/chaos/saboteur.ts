// Breaks things on purpose, one at a time, in an order that the seed decides.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { LOCAL_API } from '../../shared/api.ts';
import { LocalRunner } from '../../shared/client/index.ts';
import { startDaemon } from '../../shared/client/start-daemon.ts';
import { QwexError } from '../../shared/errors.ts';
import { lives } from '../rig/processes.ts';
import type { VictimPart } from './journal.ts';
import { daemonPid, identityOf, killIfSame, starterPid } from './prey.ts';
import { type Random, seededRandom, shuffled } from './random.ts';
import { runFolder, WORKSPACE, type World } from './world.ts';

const ARMED_FOR_MS = 1500;
const LOOK_AGAIN_MS = 15;

export interface FaultNames {
  daemon: readonly string[];
  supervisor: readonly string[];
}

export class Saboteur {
  readonly #world: World;
  readonly #random: Random;
  readonly #names: FaultNames;
  #daemonPoints: string[] = [];
  #supervisorPoints: string[] = [];

  constructor(world: World, names: FaultNames) {
    this.#world = world;
    this.#names = names;
    this.#random = seededRandom(world.seed);
  }

  /** One fault after another until `isEnough`. */
  async run(isEnough: () => boolean): Promise<void> {
    while (!isEnough()) {
      await pause(this.#random.between(5, 120));
      await this.#one(this.#random.next());
    }
  }

  #one(dice: number): Promise<void> {
    if (dice < 0.36) return this.#armDaemon();
    if (dice < 0.48) return this.#armSupervisor();
    if (dice < 0.6) return this.#killDaemon('process');
    if (dice < 0.66) return this.#killDaemon('with its children');
    if (dice < 0.68) return this.#restart();
    if (dice < 0.7) return this.#killStarter();
    if (dice < 0.8) return this.#killPart('supervisor');
    if (dice < 0.9) return this.#killPart('leader');
    return this.#killPart('group');
  }

  /** A daemon that dies at the next named transition of the list, all of them in turn. */
  async #armDaemon(): Promise<void> {
    if (this.#daemonPoints.length === 0) this.#daemonPoints = shuffled(this.#names.daemon, this.#random);
    const point = this.#daemonPoints.pop() ?? '';
    const times = this.#random.pick([1, 1, 1, 2, 3]);
    const armed = await this.#startArmed({ QWEX_TEST_FAULT: `${point}:${times}` });
    const hit = armed === undefined || (await this.#diesWithin(armed, ARMED_FOR_MS));
    if (hit) this.#world.journal.count(`daemon at ${point}`);
    else await this.#killDaemon('process');
  }

  /** A daemon one of whose next supervisors dies at a named transition; its log says of which run, if any. */
  async #armSupervisor(): Promise<void> {
    if (this.#supervisorPoints.length === 0)
      this.#supervisorPoints = shuffled(this.#names.supervisor, this.#random);
    const point = this.#supervisorPoints.pop() ?? '';
    await this.#startArmed({ QWEX_TEST_SUPERVISOR_FAULT: `${point}:${this.#random.pick([1, 2])}` });
    await pause(this.#random.between(50, 500));
  }

  /** Its pid; undefined when it died while it started, as it may have been told to. */
  async #startArmed(fault: Record<string, string>): Promise<number | undefined> {
    const running = daemonPid(this.#world.home);
    if (running !== undefined) killIfSame(running, identityOf(running));
    try {
      await startDaemon(this.#world.home, { ...process.env, ...fault });
    } catch (error) {
      if (!(error instanceof QwexError)) throw error;
      return undefined;
    }
    return daemonPid(this.#world.home);
  }

  async #diesWithin(pid: number, limitMs: number): Promise<boolean> {
    const deadline = Date.now() + limitMs;
    while (lives(pid) && Date.now() < deadline) await pause(LOOK_AGAIN_MS);
    return !lives(pid);
  }

  async #killDaemon(how: 'process' | 'with its children'): Promise<void> {
    const pid = daemonPid(this.#world.home);
    if (pid === undefined) return;
    this.#world.journal.count(`daemon killed, ${how}`);
    // It leads a session of its own: its group is it and the git and rm that it has started, not the supervisors.
    killIfSame(pid, identityOf(pid), how === 'process' ? 'one' : 'group');
  }

  async #killStarter(): Promise<void> {
    const pid = starterPid(this.#world.home);
    if (pid !== undefined && killIfSame(pid, identityOf(pid))) this.#world.journal.count('starter killed');
  }

  async #restart(): Promise<void> {
    const runner = new LocalRunner({ home: this.#world.home, autostart: false });
    try {
      await runner.request(LOCAL_API.stop, { body: { restart: this.#random.chance(0.5) } });
      this.#world.journal.count('daemon restarted');
    } catch (error) {
      if (!(error instanceof QwexError)) throw error; // there was none
    }
  }

  async #killPart(part: VictimPart): Promise<void> {
    const found = await this.#livingRuns(part);
    if (found.length === 0) return;
    const { id, pid, identity } = this.#random.pick(found);
    // Before the signal: the run may end and be read between the two.
    this.#world.journal.kill(id, part);
    if (killIfSame(pid, identity, part === 'group' ? 'group' : 'one'))
      this.#world.journal.count(`${part} killed`);
  }

  /** Runs with a living supervisor or leader, by what their folders say. */
  async #livingRuns(part: VictimPart): Promise<{ id: string; pid: number; identity: string }[]> {
    const ids = await readdir(join(this.#world.home, WORKSPACE, 'runs')).catch(() => []);
    const newest = ids.sort().slice(-40);
    const found = await Promise.all(newest.map(async (id) => ({ id, line: await this.#lineOf(id, part) })));
    return found.flatMap(({ id, line }) => {
      const [pid, startTime] = line.split(' ');
      const identity = identityOf(Number(pid));
      return identity !== '' && identity === startTime ? [{ id, pid: Number(pid), identity }] : [];
    });
  }

  /** `pid start-time boot-id` of the newest supervisor or of the leader; '' when there is none. */
  async #lineOf(id: string, part: VictimPart): Promise<string> {
    const folder = runFolder(this.#world, id);
    if (part !== 'supervisor') return readLine(join(folder, 'meta', 'pid'));
    const names = await readdir(folder).catch(() => []);
    const claims = names.filter((name) => /^(adopted|claim\.\d+)$/.test(name));
    const lines = await Promise.all(claims.map((name) => readLine(join(folder, name))));
    return lines.find((line) => lives(Number(line.split(' ')[0]))) ?? '';
  }
}

async function readLine(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trimEnd();
}
