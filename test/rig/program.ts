// The test's end of program.sh: a run's command that waits for orders, so that no test has to guess at times.
import { execFile } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const script = join(dirname(fileURLToPath(import.meta.url)), 'program.sh');

export class Program {
  /** What to give to `qwex run`. Each run of it announces itself; one at a time. */
  readonly command: readonly string[];
  readonly #orders: FileHandle;
  readonly #answers: Socket;
  readonly #unread: string[] = [];
  readonly #readers: ((answer: string) => void)[] = [];
  #partial = '';

  private constructor(folder: string, orders: FileHandle, answers: Socket) {
    this.command = ['bash', script, folder];
    this.#orders = orders;
    this.#answers = answers;
    answers.setEncoding('utf8').on('data', (text: string) => this.#receive(text));
  }

  static async create(folder: string): Promise<Program> {
    await mkdir(folder);
    const [orders, answers] = [join(folder, 'orders'), join(folder, 'answers')];
    await promisify(execFile)('mkfifo', [orders, answers]);
    // For reading and writing: neither blocks, and none ever sees the end when a run of the program is over.
    const out = await open(orders, constants.O_RDWR);
    const back = openSync(answers, constants.O_RDWR | constants.O_NONBLOCK);
    return new Program(folder, out, new Socket({ fd: back }));
  }

  /** Resolves when a run of it has started. */
  async started(): Promise<{ pid: number; runId: string }> {
    const [pid, runId = ''] = (await this.#answer()).split(' ');
    return { pid: Number(pid), runId };
  }

  /** Has it do some bash in its own shell; resolves when that is done. */
  async tell(bash: string): Promise<void> {
    await this.#order(`${bash}\nreply done`);
    await this.#answer();
  }

  /** Resolves to what some bash prints, without the last newlines. */
  async ask(bash: string): Promise<string> {
    await this.#order(`reply "$({\n${bash}\n} 2>&1)"`);
    return this.#answer();
  }

  /** Ends it, or the next run of it as soon as that has started. */
  async exit(code = 0): Promise<void> {
    await this.#order(`exit ${code}`);
  }

  /** Bash whose end nobody waits for. */
  async begin(bash: string): Promise<void> {
    await this.#order(bash);
  }

  async close(): Promise<void> {
    this.#answers.destroy();
    await this.#orders.close();
  }

  async #order(bash: string): Promise<void> {
    await this.#orders.write(`${bash}\0`);
  }

  #answer(): Promise<string> {
    const answer = this.#unread.shift();
    if (answer !== undefined) return Promise.resolve(answer);
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  #receive(text: string): void {
    const answers = (this.#partial + text).split('\0');
    this.#partial = answers.pop() ?? '';
    for (const answer of answers) {
      const reader = this.#readers.shift();
      if (reader) reader(answer);
      else this.#unread.push(answer);
    }
  }
}
