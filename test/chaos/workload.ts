// What is submitted, and what must come of it. Pure: the same seed and number give the same request.
import { type Random, randomFor } from './random.ts';

export const KINDS = ['quick', 'bulky', 'slow', 'stubborn', 'forker', 'endless', 'deaf', 'flaky'] as const;
export type Kind = (typeof KINDS)[number];

export const ROUTES = ['library', 'protocol', 'cut_in_body', 'cut_before_answer', 'command_line'] as const;
/** How a request reaches the daemon. After a cut the same request is sent again until it is answered. */
export type RequestRoute = (typeof ROUTES)[number];

export interface Wish {
  index: number;
  tag: string;
  kind: Kind;
  number: number;
  /** Runs made by this request. */
  count: number;
  route: RequestRoute;
  retries: number;
  /** Runs after this earlier request's (first) run has succeeded. */
  after: number | null;
  timeMs: number | null;
  /** Cancelled so long after its submission. */
  cancelAfterMs: number | null;
  isWatched: boolean;
  /** Has an environment that no other request shares. */
  ownEnvironment: boolean;
}

/** The `index`-th request of a seed. */
export function wishFor(seed: number, index: number): Wish {
  const random = randomFor(seed, index);
  const kind = random.pick([
    ...['quick', 'quick', 'quick', 'quick', 'bulky', 'slow', 'slow', 'slow'],
    ...['stubborn', 'forker', 'endless', 'deaf', 'flaky'],
  ] as Kind[]);
  // What never ends by itself has to be cancelled, which takes an id that a broken command line may not have told.
  const routes = kind === 'endless' ? ROUTES.filter((each) => each !== 'command_line') : ROUTES;
  const route = random.chance(0.5) ? random.pick(['library', 'protocol'] as const) : random.pick(routes);
  const isPlain = kind === 'quick' || kind === 'slow' || kind === 'bulky';
  return {
    index,
    tag: `t${String(index).padStart(6, '0')}`,
    kind,
    number: numberFor(kind, random),
    count: kind === 'quick' && route === 'library' && random.chance(0.2) ? random.between(2, 5) : 1,
    route,
    retries: kind === 'flaky' ? random.between(0, 2) : 0,
    after: isPlain && index > 4 && random.chance(0.2) ? index - random.between(1, 4) : null,
    timeMs: kind === 'deaf' ? random.between(200, 1200) : null,
    cancelAfterMs: cancelDelay(kind, random),
    isWatched: isPlain && random.chance(0.3),
    ownEnvironment: random.chance(0.4),
  };
}

function numberFor(kind: Kind, random: Random): number {
  switch (kind) {
    case 'quick':
      return random.chance(0.7) ? 0 : random.between(1, 120);
    case 'bulky':
      return random.between(100_000, 1_500_000);
    case 'slow':
      return random.between(150, 1500);
    case 'stubborn':
      return random.between(100, 800);
    case 'flaky':
      return random.between(1, 2);
    case 'forker':
    case 'endless':
    case 'deaf':
      return 0;
    default:
      return kind satisfies never;
  }
}

function cancelDelay(kind: Kind, random: Random): number | null {
  if (kind === 'endless') return random.between(0, 2000);
  return random.chance(0.1) ? random.between(0, 600) : null;
}

/** The words of the run's command; `job.sh` is in the repository. */
export function commandFor(wish: Wish, ledger: string): [string, ...string[]] {
  return ['bash', 'job.sh', ledger, wish.tag, wish.kind, String(wish.number)];
}

export interface ExpectedBytes {
  stdout: Buffer;
  stderr: Buffer;
  /** Path below files/ → content; a link is its target after `-> `. */
  files: Map<string, Buffer>;
}

/** What a run of this request has written when it came to its own end. */
export function expectedBytes({ tag, kind, number }: Wish): ExpectedBytes {
  const begin = Buffer.concat([Buffer.from(`${tag} begins\n`), Buffer.from([0, 255, 10])]);
  const files = new Map([
    ['out/result.txt', Buffer.from(`${tag} result\n`)],
    ['out/deep/a name', Buffer.from(`${tag} deep\n`)],
    ['out/deep/link', Buffer.from('-> ../result.txt')],
  ]);
  if (kind === 'bulky') files.set('out/model.bin', Buffer.alloc(number, `${tag} model\n`));
  const parts = [1, 2, 3].map((part) => `${tag} part ${part}\n`).join('');
  const rest: Partial<Record<Kind, Buffer>> = {
    bulky: Buffer.alloc(number, `${tag} 0123456789abcdef\n`),
    slow: Buffer.from(parts),
  };
  const stdout = Buffer.concat([begin, rest[kind] ?? Buffer.alloc(0)]);
  return { stdout, stderr: Buffer.from(`${tag} complains\n`), files };
}

/** The code that the `nth` run (from 1) of this request ends with when nobody hinders it; null: it never would. */
export function expectedCode({ kind, number }: Wish, nth: number): number | null {
  switch (kind) {
    case 'quick':
      return number;
    case 'bulky':
    case 'slow':
    case 'forker':
      return 0;
    case 'stubborn':
      return 4;
    case 'flaky':
      return nth > number ? 0 : 9;
    case 'endless':
    case 'deaf':
      return null;
    default:
      return kind satisfies never;
  }
}
