// An index made anew, from first to last: the former one set aside because it was damaged or its owner wished so, the
// runs read from their folders, and what those can't tell taken over from the former one, if that can be asked.

import type { HomePaths } from '../../shared/paths.ts';
import type { Rebuilt } from '../../shared/schemas/local.ts';
import { fault } from '../fault.ts';
import type { RunRecord } from '../store/record.ts';
import type { Store } from '../store/store.ts';
import { carryOver } from './former-index.ts';
import { mendFolders } from './mend.ts';
import { rebuildIndex } from './rebuild.ts';
import type { RunFolders } from './run-folders.ts';

export interface Renewal {
  paths: HomePaths;
  store: Store;
  folders: RunFolders;
  bootId: string;
  /** Where the former database is. */
  setAside: string | null;
  nowMs: number;
}

/** Fills a new index. Begun anew by the next daemon when this one dies over it: it finds what is there already. */
export async function renewIndex(renewal: Renewal): Promise<Rebuilt> {
  const { paths, store, folders, bootId, setAside, nowMs } = renewal;
  let carried: RunRecord[] = [];
  let formerUnreadable: string | null = null;
  const alsoFrom = async () => {
    const former = await carryOver({ file: setAside, paths, store });
    carried = former.runs;
    formerUnreadable = former.unreadable;
    fault('index_renewed');
  };
  const { restored, refused } = await rebuildIndex(store, {
    ...{ runs: paths.runs, machine: paths.machine, bootId },
    alsoFrom,
  });
  await mendFolders(
    carried.map(({ id }) => store.mustGet(id)),
    { store, folders, nowMs },
  );
  return { setAside, restored, carriedOver: carried.length, refused, formerUnreadable };
}
