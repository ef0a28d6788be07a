// Requests to the daemon on one connection that is kept open, as a program that submits a lot would make them.
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { API, LOCAL_API } from '../../shared/api.ts';
import { homePaths } from '../../shared/paths.ts';

export interface Submission {
  cwd: string;
  sha: string;
}

export class KeptConnection {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #socketPath: string;

  constructor(home: string) {
    this.#socketPath = homePaths(home).socket;
  }

  /** The command `true`, by the protocol: the commit is named. Resolves when the answer has been read. */
  submit({ cwd, sha }: Submission): Promise<void> {
    return this.#post(API.submit.path, { command: 'true', source: { key: cwd, sha } });
  }

  /** The command `true`, as the command line asks: the commit is what git finds there. */
  submitHere(cwd: string): Promise<void> {
    return this.#post(LOCAL_API.submitLocal.path, { cwd, commands: [['true']], environment: {} });
  }

  async #post(path: string, content: object): Promise<void> {
    const body = JSON.stringify(content);
    const asked = request({
      socketPath: this.#socketPath,
      agent: this.#agent,
      method: 'POST',
      path,
      headers: { host: 'localhost', 'content-type': 'application/json', 'content-length': body.length },
    });
    asked.end(body);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of answer) text += chunk;
    if (Math.floor((answer.statusCode ?? 0) / 100) !== 2)
      throw new Error(`POST ${path}: ${answer.statusCode} ${text}`);
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
