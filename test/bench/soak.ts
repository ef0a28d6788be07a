// Whether the daemon's memory and descriptors stay flat over many runs. Memory at one moment has garbage in it that
// nobody has collected yet, a third of it at times, and the first runs warm a daemon up: so beside the figure that has
// the target, the lowest of ten looks in the last thousand runs stands beside that of the second thousand.
import type { Bench } from './bench.ts';
import { compared } from './figure.ts';
import { memoryBytes, openDescriptors } from './processes.ts';
import { Rig } from './rig.ts';

const PORTION = 100;

interface Look {
  memory: number;
  descriptors: number;
}

export const soak: Bench = {
  name: 'soak',
  about: 'memory and descriptors after 10,000 runs, beside after 100',
  isLong: true,
  async *run({ quick, note }) {
    const total = quick ? 300 : 10_000;
    using rig = await Rig.start({ slots: 2 });
    const cwd = rig.repository('project', { 'main.py': '' });
    const { pid } = await rig.status();
    const looks: Look[] = [];
    for (let done = 0; done < total; done += PORTION) {
      const commands = Array.from({ length: PORTION }, (_, at) => ['bash', '-c', `echo ${done + at}`]);
      await rig.succeeded(await rig.submit(cwd, commands));
      const look = { memory: memoryBytes(pid) / 1e6, descriptors: openDescriptors(pid) };
      looks.push(look);
      if (done % 1000 === 0) note(`${done + PORTION} runs: ${JSON.stringify(look)}`);
    }
    const [early, late] = [looks[0], looks.at(-1)].map((look) => look ?? { memory: 0, descriptors: 0 });
    const otherName = `after ${PORTION}`;
    const target = { ratioAtMost: 1.1 };
    yield compared({
      ...{ figure: `memory after ${total} runs`, unit: 'MB', otherName, target },
      ...{ ours: [late?.memory ?? 0], others: [early?.memory ?? 0] },
    });
    yield compared({
      ...{ figure: `open descriptors after ${total} runs`, unit: '', otherName, target },
      ...{ ours: [late?.descriptors ?? 0], others: [early?.descriptors ?? 0] },
    });
    if (quick) return;
    yield compared({
      ...{
        figure: 'lowest memory in the last 1000 runs',
        unit: 'MB',
        otherName: 'in the second 1000',
        target,
      },
      ...{ ours: [lowest(looks.slice(-10))], others: [lowest(looks.slice(10, 20))] },
    });
  },
};

function lowest(looks: readonly Look[]): number {
  return Math.min(...looks.map(({ memory }) => memory));
}
