// What is known about the devices of a machine, wherever it comes from.

export interface FoundDevice {
  id: string;
  uuid: string | null;
  type: string;
  memoryMb: number;
}

export interface DeviceProcess {
  pid: number;
  /** null: the driver doesn't say. */
  memoryMb: number | null;
  name: string | null;
}

export interface Observation {
  memoryMb: number | null;
  memoryUsedMb: number | null;
  utilizationPercent: number | null;
  processes: DeviceProcess[];
  /** False: the driver tells how much is used, and not by whom. */
  namesProcesses: boolean;
}

/** By uuid, and by id for devices that have none. */
export type Observations = ReadonlyMap<string, Observation>;

export interface DeviceSource {
  /** Devices of the machine, in the driver's order. */
  find(): Promise<FoundDevice[]>;
  /** What they do now. Throws a QwexError when the driver doesn't answer. */
  observe(): Promise<Observations>;
}

/** `NVIDIA A100-SXM4-40GB` → `a100`: what people write after --gpus. */
export function typeOfName(name: string): string {
  const words = name
    .replace(/^(NVIDIA|AMD|Tesla|Advanced Micro Devices,? Inc\.?)\s+/i, '')
    .replace(/^(Tesla|Instinct|Graphics Device)\s+/i, '')
    .replace(/^(Quadro|GeForce)\s+/i, '')
    .replace(/\[|\]/g, ' ')
    .trim()
    .split(/[\s-]+/);
  const family = /^(rtx|gtx|gt|titan|radeon|rx|pro|vii)$/i;
  const suffix = /^(ti|super|xt|xtx|ada|v|x|xp|rtx)$/i;
  const kept: string[] = [];
  for (const word of words) {
    const isModel = /\d/.test(word) && !/^\d+(gb|g)$/i.test(word);
    const hasModel = kept.some((before) => /\d/.test(before));
    if (!hasModel && (family.test(word) || isModel)) kept.push(word);
    else if (kept.length > 0 && suffix.test(word)) kept.push(word);
    else if (hasModel) break;
  }
  const type = kept.join('').replace(/^rtx(?=a\d)/i, '');
  return (type || words[0] || 'gpu').toLowerCase().replace(/[^a-z0-9._-]/g, '') || 'gpu';
}
