// A look at devices before they are given to a run: does somebody use them who holds no lease? The driver may take
// seconds, so this is never done while deciding, and only for the devices that are about to be used.
import { setTimeout as delay } from 'node:timers/promises';
import type { BoxFile } from '../../shared/box.ts';
import { messageOf, QwexError } from '../../shared/errors.ts';
import type { Accounts } from './accounts.ts';
import type { DeviceSource, Observation, Observations } from './devices/source.ts';
import { findStranger } from './devices/strangers.ts';
import type { StrangerNote } from './files/notes.ts';

/** After a run, the driver takes its time to free the memory: no stranger yet. */
const SETTLE_MS = 500;
const SETTLE_LOOKS = 4;

export interface DeviceCheckOptions {
  source: DeviceSource;
  box: Pick<BoxFile, 'devices' | 'policy' | 'source'>;
  accounts: Accounts;
}

/** Those of the devices that are in use by strangers. A driver that doesn't answer is in the way like one. */
export async function checkDevices(
  ids: readonly string[],
  { source, box, accounts }: DeviceCheckOptions,
): Promise<StrangerNote[]> {
  if (box.source === 'declared' || ids.length === 0) return [];
  const rules = { thresholdMb: box.policy.stranger_memory_mb, ignore: box.policy.ignore };
  for (let look = 1; ; look += 1) {
    let observations: Observations;
    try {
      observations = await source.observe();
    } catch (error) {
      if (!(error instanceof QwexError)) throw error;
      const seenMs = Date.now();
      return ids.map((device) => ({ device, pid: null, words: messageOf(error).slice(0, 200), seenMs }));
    }
    const found: StrangerNote[] = [];
    for (const id of ids) {
      const observation = observationOf(id, box, observations);
      if (observation === undefined) continue;
      const stranger = await findStranger(observation, { rules, holders: [], accounts });
      if (stranger !== null) {
        found.push({
          device: id,
          pid: stranger.pid,
          words: stranger.words.slice(0, 200),
          seenMs: Date.now(),
        });
      }
    }
    if (look >= SETTLE_LOOKS || found.every(({ pid }) => pid !== null)) return found;
    await delay(SETTLE_MS);
  }
}

export function observationOf(
  id: string,
  { devices }: Pick<BoxFile, 'devices'>,
  observations: Observations,
): Observation | undefined {
  const device = devices.find((candidate) => candidate.id === id);
  return observations.get(device?.uuid ?? id);
}
