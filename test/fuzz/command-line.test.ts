// The command line given anything that a shell can pass. It ends with a code that is documented, says on stderr what is
// wrong, prints JSON where JSON was asked for, and shows neither a stack trace nor what steers a terminal.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { execute, testContext } from '../cli/rig.ts';
import type { Ended } from '../rig/command.ts';
import { Rig } from '../rig/rig.ts';
import { commandLines } from './command-lines.ts';
import { hostileWord } from './hostile.ts';
import { cases, timeLimit } from './settings.ts';
import { World } from './world.ts';

type Said = Pick<Ended, 'code' | 'stdout' | 'stderr'>;

/** 0, doctor's 1, our own failures; 127 and 126 are the shell's, of what was asked to be run. */
const CODES: ReadonlySet<number> = new Set([0, 1, 2, 3, 4, 5, 69, 70, 126, 127, 130]);

test(
  'any words after qwex end in a documented code and a sentence',
  async () => {
    await using rig = await Rig.start();
    const world = await World.start(rig);
    const lines = await commandLines([
      '@',
      'ended',
      'held',
      'out',
      'ssh',
      'train',
      'true',
      '1',
      '30m',
      'made',
      ...world.target.runs,
    ]);
    const cwd = world.lab.root;
    await fc.assert(
      fc.asyncProperty(lines, fc.oneof(fc.constant(''), hostileWord), async (argv, stdin) => {
        const context = testContext({ argv, home: rig.home, cwd, stdin: withoutCommands(stdin) });
        const said = await inTime(execute(context), argv);
        checkSaid(said, { argv, json: context.json });
      }),
      cases(250),
    );
    await world.check();
  },
  timeLimit(60),
);

test(
  'as a process of its own, too',
  async () => {
    await using rig = await Rig.start();
    const world = await World.start(rig);
    const lines = await commandLines(['ended', 'held', 'true', '1']);
    const home = fc.oneof(
      { weight: 4, arbitrary: fc.constant(undefined) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          '/dev/null',
          '/proc/self',
          'a\nb',
          '\x1b[2J',
          rig.path('outside', 'secret', 'x'),
        ),
      },
    );
    await fc.assert(
      fc.asyncProperty(lines, home, async (argv, odd) => {
        // Whatever would start a daemon elsewhere can't: there is no room for a home in these places.
        const env = odd === undefined ? {} : { QWEX_HOME: odd.startsWith('/') ? odd : `/dev/null/${odd}` };
        checkSaid(await rig.qwex(argv, { cwd: world.lab.root, env }), { argv });
      }),
      cases(15),
    );
    await world.check();
  },
  timeLimit(60),
);

test(
  'lines for --each may be anything: the runs that they make are those lines',
  async () => {
    await using rig = await Rig.start();
    const repo = await rig.repo();
    const line = hostileWord.filter((text) => !/[\r\n\ud800-\udfff]/.test(text));
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 20 }), async (lines) => {
        const input = lines.join('\n');
        const said = await rig.qwex(['run', '--hold', '--json', '--each', '-'], { cwd: repo.root, input });
        const meant = lines
          .map((each) => each.replace(/^\ufeff/, '').trim())
          .filter((each) => each !== '' && !each.startsWith('#'));
        checkSaid(said, { argv: ['run', '--json'], json: true });
        if (said.code === 0)
          expect(JSON.parse(said.stdout).data.runs ?? JSON.parse(said.stdout).data).toHaveLength(
            meant.length,
          );
        else expect(said.code).toBe(2);
      }),
      cases(5),
    );
  },
  timeLimit(60),
);

/** Fails unless it is what a user, or a script of theirs, can work with. */
function checkSaid(
  { code, stdout, stderr }: Said,
  { argv, json }: { argv: readonly string[]; json?: boolean | undefined },
): void {
  const about = `${JSON.stringify(argv)}: ${code}\n${stdout.slice(0, 500)}\n${stderr.slice(0, 1000)}`;
  if (!CODES.has(code)) throw new Error(`an undocumented code, ${about}`);
  if (/^ {4}at /m.test(stdout + stderr) || stderr.includes('this is a bug'))
    throw new Error(`a bug, ${about}`);
  if (json === true) for (const line of jsonTexts(stdout)) JSON.parse(line);
  if (
    code >= 2 &&
    code <= 70 &&
    json !== true &&
    !/^(?:error|usage|Usage): ./m.test(stderr) &&
    !stdout.includes('"error"')
  )
    throw new Error(`no word about it, ${about}`);
  // What a run has said is shown as it said it.
  const isOutput = argv[0] === 'logs' && code === 0;
  if (!isOutput && /[^\P{Cc}\n\t]/u.test(stderr)) throw new Error(`it steers the terminal, ${about}`);
}

/** One JSON value, or one on each line. */
function jsonTexts(stdout: string): string[] {
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.length > 1 && lines.every((line) => line.startsWith('{'))
    ? lines
    : lines.length === 0
      ? []
      : [stdout];
}

/** Lines for --each are run by a shell, as they should: these would do what they say. */
function withoutCommands(text: string): string {
  return text.includes('PWNED') ? '' : text;
}

/** A command that goes on for ever is named: the time limit of the whole test would not say which it was. */
async function inTime<T>(work: Promise<T>, argv: readonly string[]): Promise<T> {
  let limit: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    limit = setTimeout(() => reject(new Error(`goes on for ever: ${JSON.stringify(argv)}`)), 20_000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(limit);
  }
}
