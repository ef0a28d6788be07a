// NVIDIA devices, as nvidia-smi tells. A GPU in MIG mode is not a device; its instances are.
import { QwexError } from '../../../shared/errors.ts';
import {
  APP_FIELDS,
  type AppLine,
  GPU_FIELDS,
  type GpuLine,
  MIG_FIELD,
  type MigLine,
  type MigUse,
  parseApps,
  parseGpus,
  parseMigList,
  parseMigTable,
} from './nvidia-output.ts';
import { askProgram, type ProgramAnswer, type ProgramOptions } from './program.ts';
import { type DeviceSource, type FoundDevice, type Observation, typeOfName } from './source.ts';

const PROGRAM = 'nvidia-smi';
const CSV = '--format=csv,noheader,nounits';

export class NvidiaDevices implements DeviceSource {
  readonly #options: ProgramOptions;

  constructor(options: ProgramOptions = {}) {
    this.#options = options;
  }

  async find(): Promise<FoundDevice[]> {
    const gpus = await this.#gpus();
    const migs = await this.#migs(gpus);
    return gpus.flatMap((gpu): FoundDevice[] => {
      const type = typeOfName(gpu.name);
      if (!gpu.isMig) return [{ id: `gpu${gpu.index}`, uuid: gpu.uuid, type, memoryMb: gpu.memoryMb ?? 0 }];
      return migs.list
        .filter(({ gpuIndex }) => gpuIndex === gpu.index)
        .map((mig) => ({
          id: `gpu${gpu.index}-mig${mig.deviceIndex}`,
          uuid: mig.uuid,
          type:
            mig.profile === null ? `${type}-mig` : `${type}-${mig.profile.toLowerCase().replace('+', '-')}`,
          memoryMb: useOf(mig, migs.uses)?.memoryMb ?? 0,
        }));
    });
  }

  async observe(): Promise<ReadonlyMap<string, Observation>> {
    const [gpus, apps] = await Promise.all([this.#gpus(), this.#apps()]);
    const migs = await this.#migs(gpus);
    const found = new Map<string, Observation>();
    for (const gpu of gpus) {
      // It takes no run; its instances do.
      if (gpu.isMig) continue;
      const { memoryMb, memoryUsedMb, utilizationPercent } = gpu;
      const processes = apps.filter(({ uuid }) => uuid === gpu.uuid);
      found.set(gpu.uuid, { memoryMb, memoryUsedMb, utilizationPercent, processes, namesProcesses: true });
    }
    for (const mig of migs.list) found.set(mig.uuid, ofInstance(mig, useOf(mig, migs.uses), apps));
    return found;
  }

  async #gpus(): Promise<GpuLine[]> {
    const query = (fields: readonly string[]) => this.#ask([`--query-gpu=${fields.join(',')}`, CSV]);
    const answer = await query([...GPU_FIELDS, MIG_FIELD]);
    if (/is not a valid field to query/.test(answer.stdout + answer.stderr)) {
      return parseGpus(checked(await query(GPU_FIELDS)));
    }
    return parseGpus(checked(answer));
  }

  async #apps(): Promise<AppLine[]> {
    return parseApps(checked(await this.#ask([`--query-compute-apps=${APP_FIELDS.join(',')}`, CSV])));
  }

  async #migs(gpus: readonly GpuLine[]): Promise<{ list: MigLine[]; uses: MigUse[] }> {
    if (!gpus.some(({ isMig }) => isMig)) return { list: [], uses: [] };
    const [list, table] = await Promise.all([this.#ask(['-L']), this.#ask([])]);
    return { list: parseMigList(checked(list)), uses: parseMigTable(checked(table)) };
  }

  #ask(args: readonly string[]): Promise<ProgramAnswer> {
    return askProgram(PROGRAM, args, this.#options);
  }
}

function useOf(mig: MigLine, uses: readonly MigUse[]): MigUse | undefined {
  return uses.find((use) => use.gpuIndex === mig.gpuIndex && use.deviceIndex === mig.deviceIndex);
}

/** Newer drivers may name the instance in the list of processes; the table does in all of them. */
function ofInstance(mig: MigLine, use: MigUse | undefined, apps: readonly AppLine[]): Observation {
  const listed = apps.filter(({ uuid }) => uuid === mig.uuid);
  const pids = new Set(listed.map(({ pid }) => pid));
  const inTable = use?.processes.filter(({ pid }) => !pids.has(pid)) ?? [];
  return {
    memoryMb: use?.memoryMb ?? null,
    memoryUsedMb: use?.memoryUsedMb ?? null,
    utilizationPercent: null,
    processes: [...listed, ...inTable],
    namesProcesses: use !== undefined,
  };
}

/** A machine without devices is no failure: the program then exits with 6. */
function checked({ code, stdout, stderr }: ProgramAnswer): string {
  if (code === 0 || parseGpus(stdout).length > 0) return stdout;
  const said = `${stdout}\n${stderr}`.trim();
  if (/^No devices were found/m.test(said)) return '';
  throw new QwexError({
    code: 'unreachable',
    message: `${PROGRAM} failed with code ${code}: ${said.split('\n')[0] ?? ''}`,
    hint: /Insufficient Permissions/i.test(said)
      ? 'your account may not use the devices; to see who may: ls -l /dev/nvidia0'
      : `try ${PROGRAM} by hand; after a driver update the machine may need a reboot`,
  });
}
