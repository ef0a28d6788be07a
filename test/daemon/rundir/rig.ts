// A home with a store and the run folders that follow it, as the daemon ties them together.
import { mkdtempSync, realpathSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderJournal } from '../../../daemon/rundir/folder-journal.ts';
import { RunFolders } from '../../../daemon/rundir/run-folders.ts';
import type { RunJson } from '../../../daemon/rundir/run-json.ts';
import { openDatabase } from '../../../daemon/store/database.ts';
import { type HomePaths, homePaths } from '../../../shared/paths.ts';
import { StoreRig } from '../store/rig.ts';

export class HomeRig extends StoreRig {
  readonly paths: HomePaths;
  readonly folders: RunFolders;
  readonly journal: FolderJournal;
  readonly faults: unknown[] = [];

  constructor(home = realpathSync(mkdtempSync(join(tmpdir(), 'qwex-home-')))) {
    const paths = homePaths(home, { isNetwork: () => false });
    super(openDatabase({ file: paths.database, exclusive: false, nowMs: 1 }).db);
    this.paths = paths;
    this.folders = new RunFolders(paths, (_, error) => this.faults.push(error));
    this.journal = new FolderJournal(this.store, this.folders);
    // It listens before this returns when there is nothing to catch up with, as in a new database.
    void this.journal.start();
  }

  /** Resolves when the folders are as the index is. */
  async written(): Promise<void> {
    this.journal.flush();
    await this.folders.allSettled();
  }

  directory(id: string): string {
    return join(this.paths.home, 'project', 'runs', id);
  }

  async json(id: string): Promise<RunJson> {
    return JSON.parse(await readFile(join(this.directory(id), 'run.json'), 'utf8')) as RunJson;
  }

  /** Overwrites fields of a run's record, as an older moment or another hand would have left them. */
  async rewrite(id: string, fields: Partial<RunJson>): Promise<void> {
    const json = { ...(await this.json(id)), ...fields };
    await writeFile(join(this.directory(id), 'run.json'), JSON.stringify(json));
  }

  async put(id: string, name: string, text: string): Promise<void> {
    await mkdir(join(this.directory(id), name, '..'), { recursive: true });
    await writeFile(join(this.directory(id), name), text);
  }

  /** The same home with its database gone, as a new daemon would find it. */
  async withoutDatabase(): Promise<HomeRig> {
    await this.written();
    this.store.close();
    for (const suffix of ['', '-wal', '-shm']) await rm(`${this.paths.database}${suffix}`, { force: true });
    return new HomeRig(this.paths.home);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.written();
    this.store.close();
    await rm(this.paths.home, { recursive: true, force: true });
  }
}
