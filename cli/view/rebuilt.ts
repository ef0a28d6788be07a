// What an index was made anew from.
import type { Rebuilt } from '../../shared/schemas/local.ts';
import { printable } from './quote.ts';
import type { Style } from './style.ts';
import { count } from './units.ts';

export function formatRebuilt(rebuilt: Rebuilt, style: Style): string {
  const { setAside, restored, carriedOver, refused, formerUnreadable } = rebuilt;
  const lines = [`rebuilt: ${count(restored, 'run')} from their folders`];
  if (carriedOver > 0) {
    lines.push(`         ${count(carriedOver, 'run')} from the former index; their folders were mended`);
  }
  if (setAside !== null) lines.push(`         the former index is ${printable(setAside)}, as it was`);
  if (formerUnreadable !== null) lines.push(`         it could not be read: ${printable(formerUnreadable)}`);
  for (const { path, why } of refused)
    lines.push(`${style.yellow('damaged')}  ${printable(path)}: ${printable(why)}`);
  return lines.join('\n');
}
