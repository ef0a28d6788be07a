// Config files, templates and targets of garbage: whoever wrote them is told which file is wrong, in a moment, and the
// daemon that had to read them goes on.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { execute, testContext } from '../cli/rig.ts';
import { Rig } from '../rig/rig.ts';
import { GOOD_FILES, type OddFile, oddFile } from './config-files.ts';
import { cases, timeLimit } from './settings.ts';
import { World } from './world.ts';

/** Refused, or taken as what it says; nothing else can come of a file. */
const CODES: ReadonlySet<number> = new Set([0, 2, 3]);

test(
  'a garbled config, template or target is refused with its name, or understood',
  async () => {
    await using rig = await Rig.start();
    const world = await World.start(rig);
    const { lab } = world;
    await lab.commit(GOOD_FILES);
    const asked = fc.constantFrom<string[]>(
      ['compile', '--json', '-r', 'wrap', '--', 'true'],
      ['run', '--json', '--dry-run', '--job', 'train'],
      ['templates'],
      ['doctor'],
      ['config', 'list'],
      ['config', 'set', 'slots', '1'],
    );
    await fc.assert(
      fc.asyncProperty(oddFile, asked, async (file, argv) => {
        await place(rig, lab.root, file);
        const said = await execute(testContext({ argv, home: rig.home, cwd: lab.root }));
        const about = `${argv.join(' ')}: ${said.stdout.slice(0, 1000)}${said.stderr}`;
        if (!CODES.has(said.code) && !(argv[0] === 'doctor' && said.code === 1)) throw new Error(about);
        expect(said.stdout + said.stderr).not.toMatch(/^ {4}at |this is a bug|internal error/m);
        await restore(rig, lab.root);
      }),
      cases(90),
    );
    await world.check({ growthMb: 300 });
  },
  timeLimit(60),
);

async function place(rig: Rig, root: string, { path, content }: OddFile): Promise<void> {
  const full = path === 'user' ? rig.paths.config : `${root}/${path}`;
  await mkdir(dirname(full), { recursive: true });
  await writeFile(full, content);
}

async function restore(rig: Rig, root: string): Promise<void> {
  await rm(`${root}/.qwex/targets`, { recursive: true, force: true });
  for (const [path, text] of Object.entries(GOOD_FILES)) await writeFile(`${root}/${path}`, text);
  await writeFile(rig.paths.config, 'slots: 1\ngrace: 500ms\n');
}
