// Many short runs end to end, from the request to the end of the last; beside a bare loop of what must happen for each.
import { join } from 'node:path';
import { alternate, timed } from './alternate.ts';
import type { Bench } from './bench.ts';
import { compared } from './figure.ts';
import { Rig } from './rig.ts';

const SLOTS = 2;
const BARE = `
  space=$1/bare-$2
  # git's own commands fail now and then when an entry beside theirs comes or goes.
  until git worktree add --quiet --detach "$space" HEAD; do git worktree remove --force "$space"; rm -rf "$space"; done 2>/dev/null
  (cd "$space" && exec bash -c true) &&
    until git worktree remove --force "$space"; do [ -e "$space" ] || break; done 2>/dev/null`;

export const shortRuns: Bench = {
  name: 'short-runs',
  about: '1,000 short runs with 2 slots, beside a loop of worktree add, bash, worktree remove',
  async *run({ quick }) {
    // In portions, so that both see the same machine.
    const [pairs, portion] = quick ? [1, 20] : [5, 200];
    using rig = await Rig.start({ slots: SLOTS });
    const cwd = rig.repository('project', { 'main.py': 'print(1)\n', 'README.md': 'a project\n' });
    // Removing a repository's last worktree removes their folder, and git's own `add` at the same time then fails.
    rig.git(cwd, 'worktree', 'add', '--quiet', '--detach', join(rig.folder, 'keeper'));
    const commands = Array.from({ length: portion }, () => ['bash', '-c', 'true']);
    const numbers = Array.from({ length: portion }, (_, at) => String(at));
    const bareLoop = () => {
      const words = ['-P', String(SLOTS), '-n', '1', 'bash', '-c', BARE, 'bare', rig.folder];
      return rig.wallMs(
        'bash',
        ['-c', `printf '%s\\n' "$@" | xargs ${words.map(quote).join(' ')}`, 'bash', ...numbers],
        cwd,
      );
    };
    const measured = await alternate(
      { pairs, warmUps: quick ? 0 : 1 },
      () => timed(async () => rig.succeeded(await rig.submit(cwd, commands))),
      bareLoop,
    );
    const perRun = (values: number[]) => values.map((value) => value / portion);
    yield compared({
      figure: `${pairs * portion} short runs, ${SLOTS} slots, each`,
      unit: 'ms',
      otherName: 'worktree add, bash, remove',
      ours: perRun(measured.ours),
      others: perRun(measured.others),
      target: { ratioAtMost: 1.5 },
    });
  },
};

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
