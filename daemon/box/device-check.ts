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
/** Fallen off the bus, taken out, or its instance was remade. */
export const NOT_SHOWN = 'the driver does not show it';

export interface DeviceCheckOptions {
  source: DeviceSource;
  box: Pick<BoxFile, 'devices' | 'policy' | 'source'>;
  accounts: Accounts;
}

/** Those of the devices that are in use by strangers. A driver that doesn't answer, or has lost one, is in the way like one. */
export async function checkDevices(
  ids: readonly string[],
  { source, box, accounts }: DeviceCheckOptions,
): Promise<StrangerNote[]> {
  if (box.source === 'declared' || ids.length === 0) return [];
  const rules = { thresholdMb: box.policy.stranger_memory_mb, ignore: box.policy.ignore };
  for (let look = 1; ; look += 1) {
    const observations = await observe(source);
    if (observations instanceof QwexError) return ids.map((id) => noteOn(id, messageOf(observations)));
    const found: StrangerNote[] = [];
    const missing: StrangerNote[] = [];
    for (const id of ids) {
      const observation = observationOf(id, box, observations);
      if (observation === undefined) {
        missing.push(noteOn(id, NOT_SHOWN));
        continue;
      }
      const stranger = await findStranger(observation, { rules, holders: [], accounts });
      if (stranger !== null) {
        found.push(noteOn(id, stranger.words, stranger.pid));
      }
    }
    if (look >= SETTLE_LOOKS || found.every(({ pid }) => pid !== null)) return [...found, ...missing];
    await delay(SETTLE_MS);
  }
}

/** A driver that fails may have had a bad moment; one that hangs has had its time. */
async function observe(source: DeviceSource): Promise<Observations | QwexError> {
  for (let isFirst = true; ; isFirst = false) {
    const begunMs = performance.now();
    try {
      return await source.observe();
    } catch (error) {
      if (!(error instanceof QwexError)) throw error;
      if (!isFirst || performance.now() - begunMs > SETTLE_MS) return error;
    }
    await delay(SETTLE_MS);
  }
}

function noteOn(device: string, words: string, pid: number | null = null): StrangerNote {
  return { device, pid, words: words.slice(0, 200), seenMs: Date.now() };
}

export function observationOf(
  id: string,
  { devices }: Pick<BoxFile, 'devices'>,
  observations: Observations,
): Observation | undefined {
  const device = devices.find((candidate) => candidate.id === id);
  return observations.get(device?.uuid ?? id);
}
