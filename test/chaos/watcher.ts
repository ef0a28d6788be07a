// Watches one run to its end over connections that are cut again and again, and compares what arrived with the log.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { LocalRunner } from '../../shared/client/index.ts';
import { QwexError } from '../../shared/errors.ts';
import type { Request } from './journal.ts';
import type { Random } from './random.ts';
import { runFolder, type World } from './world.ts';

const STREAMS = ['stdout', 'stderr'] as const;

interface Received {
  stdout: Buffer[];
  stderr: Buffer[];
  offsets: { stdout: number; stderr: number };
}

/** Resolves when the end was told, or when `stop` is aborted before. */
export async function watchToEnd(
  of: { world: World; runner: LocalRunner; random: Random; request: Request; stop: AbortSignal },
  id: string,
): Promise<void> {
  const received: Received = { stdout: [], stderr: [], offsets: { stdout: 0, stderr: 0 } };
  while (!of.stop.aborted) {
    const cut = new AbortController();
    const timer = setTimeout(() => cut.abort(), of.random.between(20, 1500));
    try {
      if (await receive(of, { id, received, cut: cut.signal })) return await compare(of, id, received);
      if (cut.signal.aborted) of.world.journal.count('client cut_while_watching');
    } catch (error) {
      if (!(error instanceof QwexError) || error.code !== 'unreachable') throw error;
      await pause(50);
      await of.world.revive();
    } finally {
      clearTimeout(timer);
    }
  }
}

/** True when the end was told; false when the connection was cut first. */
async function receive(
  { runner, request }: { runner: LocalRunner; request: Request },
  { id, received, cut }: { id: string; received: Received; cut: AbortSignal },
): Promise<boolean> {
  for await (const item of runner.watch(id, { offsets: { ...received.offsets }, signal: cut })) {
    if (item.type === 'end') return true;
    if (item.type === 'gap') request.watchFaults.push(`a gap in ${item.stream} at ${item.offset}`);
    if (item.type !== 'output') continue;
    const expected = received.offsets[item.stream];
    if (item.offset !== expected)
      request.watchFaults.push(`${item.stream} went on at ${item.offset} instead of ${expected}`);
    received[item.stream].push(Buffer.from(item.data));
    received.offsets[item.stream] = item.offset + item.data.length;
  }
  return false;
}

async function compare(
  { world, request }: { world: World; request: Request },
  id: string,
  received: Received,
): Promise<void> {
  for (const stream of STREAMS) {
    const log = await readFile(join(runFolder(world, id), 'logs', `${stream}.log`)).catch(() =>
      Buffer.alloc(0),
    );
    const got = Buffer.concat(received[stream]);
    if (!got.equals(log)) request.watchFaults.push(`${stream}: ${got.length} bytes of ${log.length} arrived`);
  }
  world.journal.note({ watched: id });
}
