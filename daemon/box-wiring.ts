// Which box this daemon takes part in, and what that means for what may be submitted.

import { formatDuration } from '../shared/duration.ts';
import { QwexError } from '../shared/errors.ts';
import type { Notice } from '../shared/schemas/local.ts';
import type { Resources } from '../shared/schemas/run.ts';
import { Box, preparePrivateBox } from './box/index.ts';
import type { DeviceLine } from './scheduler/device-line.ts';
import type { OpenBox } from './scheduler/joined-box.ts';

export interface BoxChoice {
  home: string;
  /** On a local disk: a private box lies there. */
  localFolder: string;
  /** The shared one that is meant; null for the private one. */
  root: string | null;
  onWake: () => void;
}

/** A shared box, or a private one with the same rules. Throws what is wrong with it. */
export async function openBox({ home, localFolder, root, onWake }: BoxChoice): Promise<OpenBox> {
  const folder = root ?? (await preparePrivateBox(localFolder));
  return { box: await Box.open({ root: folder, home, onWake }), isShared: root !== null };
}

/** Throws when no machine state could ever let it start here; otherwise what its submitter should know. */
export async function assessResources(
  line: DeviceLine,
  { gpus, gpuType, timeMs }: Resources,
): Promise<Notice[]> {
  await line.known();
  const { box } = line;
  if (box === null)
    return gpus > 0 && line.problem !== null ? [{ level: 'warning', message: line.problem }] : [];
  const { devices } = box.config.file;
  if (gpus === 0) {
    if (devices.length === 0) return [];
    return [
      { level: 'hint', message: 'no GPU asked for, so it will see none; to get one: qwex run --gpus 1 …' },
    ];
  }
  const refusal = box.refuse({ gpus, type: gpuType, timeMs });
  if (refusal !== null) {
    throw new QwexError({
      code: 'unsupported',
      message: `it could never start here: it ${refusal}`,
      hint:
        devices.length === 0
          ? 'nvidia-smi and rocm-smi name no devices; others can be declared, or made up to try: qwex box init --help'
          : 'qwex box shows what there is',
    });
  }
  const limitMs = line.timeLimitMs({ timeMs });
  if (timeMs !== null || limitMs === null) return [];
  const message = `no --time given: it is ended after ${formatDuration(limitMs)}, the default of the box; a shorter one may start sooner`;
  return [{ level: 'hint', message }];
}
