// The daemon's log: JSON lines by pino, in a file that is turned over when it is large, so that months fit on a disk.
import { chmodSync, existsSync, renameSync, statSync } from 'node:fs';
import { destination, type Logger, pino } from 'pino';
import { QwexError } from '../shared/errors.ts';

const MAX_BYTES = 10 * 1024 * 1024;
const KEPT_FILES = 3;

/** Names that may carry someone's secret are never written, wherever they turn up in a record. */
const REDACTED = ['environment', 'env', 'variables', '*.environment', '*.env', '*.variables'];

/** What has words for its user (a wrong path, a full disk) is a warning; anything else is a defect of ours. */
export function levelOf(error: unknown): 'warn' | 'error' {
  return error instanceof QwexError && error.code !== 'internal' ? 'warn' : 'error';
}

export interface DaemonLog {
  logger: Logger;
  close(): void;
}

export function openLog(file: string): DaemonLog {
  if (sizeOf(file) > MAX_BYTES) turnOver(file);
  const sink = destination({ dest: file, append: true, mkdir: true, sync: true, mode: 0o600 });
  chmodSync(file, 0o600);
  let written = sizeOf(file);
  const stream = {
    write(line: string) {
      sink.write(line);
      written += Buffer.byteLength(line);
      if (written <= MAX_BYTES) return;
      turnOver(file);
      sink.reopen();
      written = 0;
    },
  };
  const level = process.env.QWEX_LOG_LEVEL ?? 'info';
  const logger = pino(
    { level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime, redact: REDACTED },
    stream,
  );
  return {
    logger,
    close() {
      sink.flushSync();
      sink.end();
    },
  };
}

/** daemon.log → daemon.log.1 → … ; the oldest goes. */
function turnOver(file: string): void {
  for (let index = KEPT_FILES - 1; index >= 0; index -= 1) {
    const from = index === 0 ? file : `${file}.${index}`;
    if (existsSync(from)) renameSync(from, `${file}.${index + 1}`);
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
