// What a box says of every run, whether it gets devices or not.
import { type Box, deviceVariables } from '../box/index.ts';
import type { OpenBox } from './joined-box.ts';

/** For the environment of a run without devices: it is to see none. Empty on a machine that has none. */
export function noDevicesIn(box: Box | null): Record<string, string> {
  const file = box?.config.file;
  return file === undefined || file.devices.length === 0 ? {} : deviceVariables([], file);
}

/** Under a box with others, nobody holds a device without a limit. */
export function limitUnder(opened: OpenBox | null, timeMs: number | null): number | null {
  if (opened?.isShared !== true) return timeMs;
  const { defaultTimeMs, maxTimeMs } = opened.box.config.policy;
  return Math.min(timeMs ?? defaultTimeMs, maxTimeMs ?? Number.POSITIVE_INFINITY);
}
