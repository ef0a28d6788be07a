// A real git repository of a test. Its identity is in no config: qwex must get along without one.
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type Files = Readonly<Record<string, string | Uint8Array>>;

export class Repository {
  readonly root: string;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(root: string, env: NodeJS.ProcessEnv) {
    this.root = root;
    const identity = { NAME: 'Test', EMAIL: 'test@example.org' };
    this.#env = { ...env };
    for (const who of ['AUTHOR', 'COMMITTER'])
      for (const [what, value] of Object.entries(identity)) this.#env[`GIT_${who}_${what}`] = value;
  }

  /** Without a commit. */
  static async init(root: string, env: NodeJS.ProcessEnv): Promise<Repository> {
    const repository = new Repository(root, env);
    await mkdir(root, { recursive: true });
    await repository.git('init', '-q', '-b', 'main');
    return repository;
  }

  /** What git printed, without the last newline. */
  async git(...args: string[]): Promise<string> {
    const { stdout } = await run('git', args, {
      cwd: this.root,
      env: this.#env,
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout.replace(/\n$/, '');
  }

  path(...names: string[]): string {
    return join(this.root, ...names);
  }

  async write(files: Files): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(this.path(path)), { recursive: true });
      await writeFile(this.path(path), content);
    }
  }

  /** Writes the files and commits all there is. Resolves to the new commit. */
  async commit(files: Files = {}): Promise<string> {
    await this.write(files);
    await this.git('add', '-A');
    await this.git('commit', '-q', '--allow-empty', '-m', 'Change');
    return this.git('rev-parse', 'HEAD');
  }
}
