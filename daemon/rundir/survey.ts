// Looks at every run folder as a rebuild would, and says what it would make of each. Reads only.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno, messageOf } from '../../shared/errors.ts';
import { type Here, type RunFolder, readRunFolder, runFoldersBelow } from './rebuild.ts';

export interface SurveyedFolder {
  path: string;
  id: string;
  /** Why no run could be read from it; null when one could. */
  fault: string | null;
  /** What is wrong with its history, which is for readers alone; null when nothing is. */
  historyFault: string | null;
}

const FOLDERS_AT_ONCE = 32;

/** Of this machine's runs, in a home that several have. */
export async function* surveyFolders(runs: string, here: Here): AsyncGenerator<SurveyedFolder> {
  const folders = await runFoldersBelow(runs);
  for (let at = 0; at < folders.length; at += FOLDERS_AT_ONCE) {
    const batch = folders.slice(at, at + FOLDERS_AT_ONCE);
    const surveyed = await Promise.all(batch.map((folder) => survey(folder, here)));
    yield* surveyed.filter((each) => each !== null);
  }
}

async function survey(folder: RunFolder, here: Here): Promise<SurveyedFolder | null> {
  const { path, id } = folder;
  try {
    if ((await readRunFolder(folder, here)) === 'of another machine') return null;
    return { path, id, fault: null, historyFault: await historyFault(path) };
  } catch (error) {
    return { path, id, fault: messageOf(error), historyFault: await historyFault(path) };
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
