// The first lines of every script: what it is, and how to run it without qwex.
import { quoteWord } from './quote.ts';

/** Comment lines only, after the `#!` line; no newline at the end. */
export function scriptHeader(from: {
  workspace: string;
  commit: string;
  runner: string;
  cwd: string;
  layers: readonly string[];
}): string {
  const stack = from.layers.length === 0 ? 'none' : from.layers.join(' > ');
  const folder = from.cwd === '' ? "the workspace's root" : `the folder ${quoteWord(from.cwd)}`;
  const lines = [
    `workspace: ${from.workspace}`,
    `commit:    ${from.commit}`,
    `runner:    ${from.runner} (layers: ${stack})`,
    '',
    `It needs no qwex. By hand, in ${folder} of a checkout of that commit:`,
    '  QWEX_RUN_ID="by-hand-$$" QWEX_RUN_DIR="$(mktemp -d)" bash script.sh',
  ];
  return [
    '#!/usr/bin/env bash',
    '# shellcheck disable=SC1003,SC2016 # what is quoted is meant for an inner shell or for the program',
    ...lines.map((line) => `# ${oneLine(line)}`.trimEnd()),
  ].join('\n');
}

/** A name with a newline in it would end the comment and become shell. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '?');
}
