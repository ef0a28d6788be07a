// What nvidia-smi prints, in the versions that are about. Anything may be `[N/A]`, `[Not Supported]`, `[Unknown Error]`
// or `[Insufficient Permissions]`; a lost device prints a sentence among the lines. Pure.

export interface GpuLine {
  index: number;
  uuid: string;
  name: string;
  memoryMb: number | null;
  memoryUsedMb: number | null;
  utilizationPercent: number | null;
  isMig: boolean;
}

export const GPU_FIELDS = [
  'index',
  'uuid',
  'name',
  'memory.total',
  'memory.used',
  'utilization.gpu',
] as const;
/** Drivers before 450 don't know it, and print nothing but a complaint when asked. */
export const MIG_FIELD = 'mig.mode.current';
/** The name last: it is the program's to choose, and may hold commas. */
export const APP_FIELDS = ['gpu_uuid', 'pid', 'used_memory', 'process_name'] as const;

export function parseGpus(text: string): GpuLine[] {
  return lines(text).flatMap((line) => {
    const cells = line.split(',').map((cell) => cell.trim());
    const [index, uuid, name, total, used, utilization, mig] = cells;
    if (index === undefined || uuid === undefined || name === undefined || !/^\d+$/.test(index)) return [];
    if (!/^GPU-/.test(uuid)) return [];
    return [
      {
        index: Number(index),
        uuid,
        name,
        memoryMb: figure(total),
        memoryUsedMb: figure(used),
        utilizationPercent: figure(utilization),
        isMig: mig === 'Enabled',
      },
    ];
  });
}

export interface AppLine {
  uuid: string;
  pid: number;
  memoryMb: number | null;
  name: string | null;
}

export function parseApps(text: string): AppLine[] {
  return lines(text).flatMap((line) => {
    const [uuid, pid, memory, ...name] = line.split(',').map((cell) => cell.trim());
    if (uuid === undefined || pid === undefined || !/^[1-9]\d*$/.test(pid)) return [];
    const words = name.join(',');
    return [
      {
        uuid,
        pid: Number(pid),
        memoryMb: figure(memory),
        name: words === '' || words === '-' || words.startsWith('[') ? null : words,
      },
    ];
  });
}

export interface MigLine {
  gpuIndex: number;
  /** Of the instance on its GPU, as in the table of plain nvidia-smi. */
  deviceIndex: number;
  /** `1g.5gb`; null when the driver is too old to say. */
  profile: string | null;
  uuid: string;
}

/** The instances in `nvidia-smi -L`. Since driver 470 their uuids say nothing about their GPU, only their place in the list does. */
export function parseMigList(text: string): MigLine[] {
  const found: MigLine[] = [];
  let gpuIndex: number | undefined;
  for (const line of lines(text)) {
    const gpu = /^GPU (\d+):/.exec(line);
    if (gpu) gpuIndex = Number(gpu[1]);
    const mig = /^MIG\s+(?:(\S+)\s+)?Device\s+(\d+):\s+\(UUID:\s*(MIG-[^)\s]+)\)/.exec(line);
    if (!mig || gpuIndex === undefined) continue;
    const [, profile, deviceIndex, uuid] = mig;
    if (uuid !== undefined)
      found.push({ gpuIndex, deviceIndex: Number(deviceIndex), profile: profile ?? null, uuid });
  }
  return found;
}

export interface MigUse {
  gpuIndex: number;
  deviceIndex: number;
  memoryMb: number;
  /** null: several compute instances share the memory, and nobody tells whose is whose. */
  memoryUsedMb: number | null;
  processes: { pid: number; memoryMb: number | null; name: string }[];
}

/** The two tables of plain nvidia-smi, which alone say what an instance holds and who is on it. */
export function parseMigTable(text: string): MigUse[] {
  const uses = new Map<string, MigUse>();
  const sharers = new Map<string, MigUse[]>();
  for (const row of text.matchAll(/^\|\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+\|\s+(\d+)MiB \/\s+(\d+)MiB/gm)) {
    const [gpu = 0, instance = 0, compute = 0, device = 0, used = 0, total = 0] = row.slice(1).map(Number);
    const use: MigUse = {
      gpuIndex: gpu,
      deviceIndex: device,
      memoryMb: total,
      memoryUsedMb: used,
      processes: [],
    };
    uses.set(`${gpu} ${instance} ${compute}`, use);
    sharers.set(`${gpu} ${instance}`, [...(sharers.get(`${gpu} ${instance}`) ?? []), use]);
  }
  for (const sharing of sharers.values()) {
    if (sharing.length > 1) for (const use of sharing) use.memoryUsedMb = null;
  }
  for (const row of text.matchAll(
    /^\|\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+\S+\s+(\S.*?)\s+(?:(\d+)MiB|N\/A)\s+\|\s*$/gm,
  )) {
    const [, gpu, instance, compute, pid, name, memory] = row;
    const use = uses.get(`${gpu} ${instance} ${compute}`);
    use?.processes.push({
      pid: Number(pid),
      memoryMb: memory === undefined ? null : Number(memory),
      name: name ?? '',
    });
  }
  return [...uses.values()];
}

/** A number, with or without its unit; null for every way of saying that there is none. */
function figure(cell: string | undefined): number | null {
  const match = /^(\d+(?:\.\d+)?)(?:\s*(?:MiB|%))?$/.exec(cell ?? '');
  return match ? Number(match[1]) : null;
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
