// Whether the daemon's memory and descriptors stay flat over many runs.
import type { Bench } from './bench.ts';
import { compared } from './figure.ts';
import { memoryBytes, openDescriptors } from './processes.ts';
import { Rig } from './rig.ts';

const PORTION = 100;

export const soak: Bench = {
  name: 'soak',
  about: 'memory and descriptors after 10,000 runs, beside after 100',
  isLong: true,
  async *run({ quick, note }) {
    const total = quick ? 300 : 10_000;
    using rig = await Rig.start({ slots: 2 });
    const cwd = rig.repository('project', { 'main.py': '' });
    const { pid } = await rig.status();
    const look = () => ({ memory: memoryBytes(pid) / 1e6, descriptors: openDescriptors(pid) });
    let early = look();
    for (let done = 0; done < total; done += PORTION) {
      const commands = Array.from({ length: PORTION }, (_, at) => ['bash', '-c', `echo ${done + at}`]);
      await rig.succeeded(await rig.submit(cwd, commands));
      if (done === 0) early = look();
      if (done % 1000 === 0) note(`${done + PORTION} runs: ${JSON.stringify(look())}`);
    }
    const late = look();
    const otherName = `after ${PORTION}`;
    yield compared({
      figure: `memory after ${total} runs`,
      unit: 'MB',
      otherName,
      ours: [late.memory],
      others: [early.memory],
      target: { ratioAtMost: 1.1 },
    });
    yield compared({
      figure: `open descriptors after ${total} runs`,
      unit: '',
      otherName,
      ours: [late.descriptors],
      others: [early.descriptors],
      target: { ratioAtMost: 1.1 },
    });
  },
};
