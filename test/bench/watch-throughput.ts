// How fast qwex watch prints what is there already; beside cat of the same file through a Unix socket to another cat.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { alternate, timed } from './alternate.ts';
import type { Bench } from './bench.ts';
import { compared } from './figure.ts';
import { Rig } from './rig.ts';

export const watchThroughput: Bench = {
  name: 'watch-throughput',
  about: 'qwex watch of 200 MB of output, beside cat through a Unix socket',
  async *run({ quick }) {
    const bytes = (quick ? 5 : 200) * 1e6;
    using rig = await Rig.start();
    const cwd = rig.repository('project', { 'main.py': '' });
    const runs = await rig.submit(cwd, [['openssl', 'rand', String(bytes)]]);
    await rig.succeeded(runs);
    const [run] = runs;
    if (!run) throw new Error('no run');
    const log = join(run.directory, 'logs', 'stdout.log');
    await requireSame(rig, run.id, log);

    const socket = join(rig.folder, 'cat.sock');
    const server = await serveWithCat(socket, log);
    try {
      const measured = await alternate(
        { pairs: quick ? 2 : 9 },
        () => timed(() => ended(spawn(rig.qwexPath, ['watch', run.id], { env: rig.env, stdio: 'ignore' }))),
        () => timed(() => catFrom(socket)),
      );
      const speed = (values: number[]) => values.map((value) => bytes / 1e6 / (value / 1000));
      yield compared({
        figure: `watch of ${bytes / 1e6} MB, whole command`,
        unit: 'MB/s',
        otherName: 'cat over a Unix socket',
        ours: speed(measured.ours),
        others: speed(measured.others),
        target: { ratioAtLeast: 0.5 },
      });
    } finally {
      server.close();
    }
  },
};

/** Throws unless watch prints the log byte by byte. */
async function requireSame(rig: Rig, id: string, log: string): Promise<void> {
  const child = spawn(rig.qwexPath, ['watch', id], { env: rig.env, stdio: ['ignore', 'pipe', 'ignore'] });
  const [printed, written] = [createHash('sha256'), createHash('sha256')];
  for await (const chunk of child.stdout) printed.update(chunk as Buffer);
  for await (const chunk of createReadStream(log)) written.update(chunk as Buffer);
  if (printed.digest('hex') !== written.digest('hex'))
    throw new Error('watch did not print what was written');
}

/** The socket itself is the standard output of `cat`: nothing of ours is in the way. */
async function serveWithCat(path: string, file: string): Promise<Server> {
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    spawn('cat', [file], { stdio: ['ignore', socket, 'inherit'] }).once('close', () => socket.destroy());
  });
  server.listen(path);
  await once(server, 'listening');
  return server;
}

async function catFrom(path: string): Promise<void> {
  const socket = connect({ path });
  socket.pause();
  await once(socket, 'connect');
  await ended(spawn('cat', { stdio: [socket, 'ignore', 'inherit'] }));
  socket.destroy();
}

async function ended(child: ReturnType<typeof spawn>): Promise<void> {
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`${child.spawnargs.join(' ')} ended with ${code}`);
}
