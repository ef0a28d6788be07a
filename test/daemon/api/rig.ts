// A whole daemon in this process, in a home of its own, with a repository to submit from; and plain HTTP to it.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Daemon } from '../../../daemon/daemon.ts';
import { packageRoot } from '../../../shared/client/start-daemon.ts';
import { openWebSocket } from '../../../shared/client/unix-websocket.ts';
import type { Run } from '../../../shared/schemas/run.ts';
import type { Answer } from '../../rig/answer.ts';

export { type Answer, problemIn } from '../../rig/answer.ts';

export interface Asked {
  method?: string;
  headers?: Record<string, string>;
  /** A text is sent as it is, anything else as JSON. */
  body?: unknown;
}

export class ApiRig {
  readonly folder: string;
  readonly repository: string;
  readonly sha: string;
  readonly daemon: Daemon;

  private constructor(folder: string, repository: string, daemon: Daemon) {
    this.folder = folder;
    this.repository = repository;
    this.daemon = daemon;
    this.sha = git(repository, ['rev-parse', 'HEAD']).trim();
  }

  static async start(): Promise<ApiRig> {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'qwex-api-')));
    const repository = join(folder, 'project');
    git(folder, ['init', '-q', '-b', 'main', repository]);
    writeFileSync(join(repository, 'a.txt'), 'one\n');
    git(repository, ['add', '-A']);
    git(repository, ['commit', '-q', '-m', 'one']);
    return new ApiRig(folder, repository, await startDaemon(folder));
  }

  /** Another daemon in the same home, after something was done to it while there was none. */
  async restart(meanwhile: () => Promise<unknown>): Promise<ApiRig> {
    await this.daemon.stop(false);
    await meanwhile();
    return new ApiRig(this.folder, this.repository, await startDaemon(this.folder));
  }

  get socket(): string {
    return this.daemon.paths.socket;
  }

  /** One request, as any HTTP client would make it. */
  async ask(path: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<Answer> {
    const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const json = payload === undefined ? {} : { 'content-type': 'application/json' };
    const asked = request({ socketPath: this.socket, path, method, headers: { ...json, ...headers } });
    asked.end(payload);
    const [response] = await once(asked, 'response');
    // A server that has answered may hang up on the rest of a body that it doesn't want.
    asked.on('error', () => undefined);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return {
      status: response.statusCode,
      headers: response.headers,
      text: Buffer.concat(chunks).toString('utf8'),
    };
  }

  async json<T>(path: string, asked: Asked = {}): Promise<T> {
    const { status, text } = await this.ask(path, asked);
    if (status >= 400) throw new Error(`${path}: ${text}`);
    return JSON.parse(text) as T;
  }

  /** Bytes on the socket as they are, for what no client would send. Resolves to all that comes back. */
  async raw(bytes: string): Promise<Answer> {
    const socket = connect(this.socket);
    socket.end(bytes);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const [head = '', ...rest] = text.split('\r\n\r\n');
    const [line = '', ...fields] = head.split('\r\n');
    const headers = fields.map((field) => field.split(': ', 2) as [string, string]);
    return {
      status: Number(line.split(' ')[1]),
      headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
      text: rest.join('\r\n\r\n'),
    };
  }

  /** The protocol's request for a command in the repository; held unless told otherwise. */
  submission(over: Record<string, unknown> = {}): Record<string, unknown> {
    const source = { sha: this.sha, key: this.repository };
    return { command: 'true', args: [], source, hold: true, ...over };
  }

  submit(over: Record<string, unknown> = {}): Promise<Run> {
    return this.json<Run>('/api/v1/runs', { method: 'POST', body: this.submission(over) });
  }

  /** A shell script that really runs; resolves when it has ended. */
  async run(script: string, over: Record<string, unknown> = {}): Promise<Run> {
    const { id } = await this.submit({ command: 'sh', args: ['-c', script], hold: false, ...over });
    return this.json<Run>(`/api/v1/runs/${id}/wait?timeout=60`);
  }

  /** A WebSocket with all its text frames until it closes, or until `enough` says so. */
  async frames<T>(path: string, enough: (frame: T, all: T[]) => boolean = () => false): Promise<T[]> {
    const socket = await openWebSocket(this.socket, path);
    const frames: T[] = [];
    await new Promise<void>((resolve, reject) => {
      socket.on('message', (data: Buffer, isBinary) => {
        if (isBinary) return;
        const frame = JSON.parse(data.toString('utf8')) as T;
        frames.push(frame);
        if (enough(frame, frames)) socket.close();
      });
      socket.on('close', () => resolve());
      socket.on('error', reject);
    });
    return frames;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon.stop(false);
    await rm(this.folder, { recursive: true, force: true });
  }
}

function startDaemon(folder: string): Promise<Daemon> {
  return Daemon.start({
    home: join(folder, 'home'),
    root: packageRoot(),
    startDaemonCommand: ['/bin/true'],
    onStopRequest: () => undefined,
    holdsHome: () => true,
    onHomeLost: () => undefined,
  });
}

export function git(cwd: string, args: string[]): string {
  const identity = ['-c', 'user.name=A', '-c', 'user.email=a@b.c', '-c', 'commit.gpgSign=false'];
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' };
  return execFileSync('git', [...identity, ...args], { cwd, env, encoding: 'utf8' });
}
