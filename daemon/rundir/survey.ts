// Looks at every run folder as a rebuild would, and says what it would make of each. Reads only.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno, messageOf } from '../../shared/errors.ts';
import { readRunFolder, runFoldersBelow } from './rebuild.ts';

export interface SurveyedFolder {
  path: string;
  id: string;
  /** Why no run could be read from it; null when one could. */
  fault: string | null;
  /** What is wrong with its history, which is for readers alone; null when nothing is. */
  historyFault: string | null;
}

const FOLDERS_AT_ONCE = 32;

export async function* surveyFolders(runs: string, bootId: string): AsyncGenerator<SurveyedFolder> {
  const folders = await runFoldersBelow(runs);
  for (let at = 0; at < folders.length; at += FOLDERS_AT_ONCE) {
    const batch = folders.slice(at, at + FOLDERS_AT_ONCE).map(async (folder) => ({
      ...{ path: folder.path, id: folder.id },
      fault: await readRunFolder(folder, bootId).then(() => null, messageOf),
      historyFault: await historyFault(folder.path),
    }));
    yield* await Promise.all(batch);
  }
}

/** A line that a crash has torn names its event and is no fault: the whole line follows it. */
async function historyFault(path: string): Promise<string | null> {
  try {
    const lines = (await readFile(join(path, 'statuses.jsonl'), 'utf8')).split('\n');
    const odd = lines.findIndex((line) => line !== '' && !'{"seq":'.startsWith(line.slice(0, 7)));
    return odd === -1 ? null : `line ${odd + 1} of its statuses.jsonl is no event`;
  } catch (error) {
    return isErrno(error, 'ENOENT') ? 'it has no statuses.jsonl' : messageOf(error);
  }
}
