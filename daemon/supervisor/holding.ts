// What a run holds of the machine, written into its folder before its supervisor starts: whoever takes over from that
// one, in another life of the daemon, needs it, and may know no box at all by then.
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../../shared/atomic-write.ts';
import { readText } from './places.ts';
import type { DeviceHold } from './request.ts';

const holdingSchema = z.object({
  devices: z.array(z.string()).min(1),
  lockPaths: z.array(z.string()),
  leasePath: z.string(),
  lifePath: z.string(),
  timeLimitMs: z.number().positive().nullable(),
});

export interface Holding extends DeviceHold {
  /** Names of the devices. */
  devices: string[];
  /** What its supervisor keeps to: its own limit, or that of the box. */
  timeLimitMs: number | null;
}

export async function writeHolding(runDir: string, holding: Holding): Promise<void> {
  await writeAtomically(holdingPath(runDir), `${JSON.stringify(holding)}\n`, { mode: 0o600 });
}

/** Null for a run that holds nothing. One that a power cut has torn says nothing: the locks are gone as well, then. */
export async function readHolding(runDir: string): Promise<Holding | null> {
  const text = await readText(holdingPath(runDir));
  if (text === undefined) return null;
  try {
    return holdingSchema.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null;
    throw error;
  }
}

function holdingPath(runDir: string): string {
  return join(runDir, 'devices.json');
}
