// A box that was just made, and what comes next for those who will use it.
import type { BoxMade } from '../../shared/box.ts';
import { printable, quotePath, quoteWord } from './quote.ts';
import type { Style } from './style.ts';
import { formatTable } from './table.ts';
import { count } from './units.ts';

const SOURCES: Readonly<Record<BoxMade['source'], string>> = {
  nvidia: 'found by nvidia-smi',
  rocm: 'found by rocm-smi',
  declared: 'as declared',
  fake: 'pretended: fake.yaml in the box says what they do',
};

export function formatMade(made: BoxMade, style: Style): string {
  const { path, devices, source, group } = made;
  const who = group === null ? 'everybody on this machine' : `members of the group ${printable(group)}`;
  const table = formatTable(
    devices,
    [
      { title: 'DEVICE', value: ({ id }) => printable(id), paint: style.bold },
      { title: 'TYPE', value: ({ type }) => printable(type) },
      {
        title: 'MEMORY',
        value: ({ memoryMb }) => (memoryMb === 0 ? '' : `${(memoryMb / 1024).toFixed(1)} GB`),
      },
      { title: 'UUID', value: ({ uuid }) => printable(uuid ?? '') },
    ],
    { paintTitle: style.dim },
  );
  const headline = `made ${style.bold(quotePath(path))} with ${count(devices.length, 'device')} (${SOURCES[source]})`;
  return [headline, table, nextSteps(made, who)].join('\n\n');
}

function nextSteps({ path, isUsualPlace }: BoxMade, who: string): string {
  const lines = [`It is for ${who}. Limits and bands: box.yaml in it. Each member, once:`];
  if (!isUsualPlace)
    lines.push(`  qwex config set box ${quoteWord(path)}    # or QWEX_BOX in the environment`);
  lines.push('  qwex box');
  return lines.join('\n');
}
