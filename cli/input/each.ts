// `run --each FILE`: one command a line, each meaning what it means in bash. Lines of plain words become these
// words, so that the run shows its program and not a shell; all others are run by `bash -c`.
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { QwexError } from '../../shared/errors.ts';
import { plainWords } from './shell-words.ts';

/** The commands of a file (`-`: of stdin). Throws `usage` when there is none. */
export async function readEach(file: string, stdin: () => Readable): Promise<string[][]> {
  const commands = parseEach(file === '-' ? await text(stdin()) : await readFile(file, 'utf8'));
  if (commands.length > 0) return commands;
  throw new QwexError({
    code: 'usage',
    message: `no command in ${file === '-' ? 'the standard input' : file}`,
    hint: 'write one command a line; lines that start with # are left out',
  });
}

export function parseEach(content: string): string[][] {
  return content
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => plainWords(line) ?? ['bash', '-c', line]);
}
