// AMD devices, as rocm-smi tells. Names of its keys have changed their case over the versions, values are texts, and
// warnings may stand before the JSON.
import { z } from 'zod';
import { QwexError } from '../../../shared/errors.ts';
import { askProgram, type ProgramAnswer, type ProgramOptions } from './program.ts';
import {
  type DeviceProcess,
  type DeviceSource,
  type FoundDevice,
  type Observation,
  typeOfName,
} from './source.ts';

const PROGRAM = 'rocm-smi';
const MIB = 1024 * 1024;

const answerSchema = z.record(z.string(), z.record(z.string(), z.unknown()));

interface Card {
  index: number;
  uuid: string | null;
  name: string;
  memoryMb: number | null;
  memoryUsedMb: number | null;
  utilizationPercent: number | null;
}

export class RocmDevices implements DeviceSource {
  readonly #options: ProgramOptions;

  constructor(options: ProgramOptions = {}) {
    this.#options = options;
  }

  async find(): Promise<FoundDevice[]> {
    const cards = await this.#cards();
    return cards.map(({ index, uuid, name, memoryMb }) => ({
      id: `gpu${index}`,
      uuid,
      type: typeOfName(name),
      memoryMb: memoryMb ?? 0,
    }));
  }

  async observe(): Promise<ReadonlyMap<string, Observation>> {
    const [cards, pids, places] = await Promise.all([
      this.#cards(),
      this.#ask(['--showpids', '--json']),
      this.#ask(['--showpidgpus']),
    ]);
    const processes = parsePids(pids.stdout);
    const devices = parsePidGpus(places.stdout);
    return new Map(
      cards.map(({ index, uuid, memoryMb, memoryUsedMb, utilizationPercent }) => [
        uuid ?? `gpu${index}`,
        {
          ...{ memoryMb, memoryUsedMb, utilizationPercent },
          processes: processes.filter(({ pid }) => devices.get(pid)?.includes(index)),
          namesProcesses: places.code === 0,
        },
      ]),
    );
  }

  async #cards(): Promise<Card[]> {
    const what = ['--showproductname', '--showuniqueid', '--showmeminfo', 'vram', '--showuse', '--json'];
    return parseCards(checked(await this.#ask(what)));
  }

  #ask(args: readonly string[]): Promise<ProgramAnswer> {
    return askProgram(PROGRAM, args, this.#options);
  }
}

export function parseCards(text: string): Card[] {
  return Object.entries(parseSections(text)).flatMap(([section, values]) => {
    const index = /^card(\d+)$/.exec(section)?.[1];
    if (index === undefined) return [];
    const get = keyed(values);
    const unique = get('unique id');
    return [
      {
        index: Number(index),
        // What ROCR_VISIBLE_DEVICES takes: without 0x, behind the word GPU.
        uuid:
          unique !== undefined && /^0x[0-9a-f]+$/i.test(unique)
            ? `GPU-${unique.slice(2).toLowerCase()}`
            : null,
        name: [get('card series'), get('device name'), get('card model')].find(isName) ?? 'gpu',
        memoryMb: toMb(get('vram total memory (b)')),
        memoryUsedMb: toMb(get('vram total used memory (b)')),
        utilizationPercent: toNumber(get('gpu use (%)')),
      },
    ];
  });
}

/** `"PID4242": "python, 1, 17179869184, 0, 0"`: name, number of devices, bytes of device memory. */
export function parsePids(text: string): DeviceProcess[] {
  return Object.values(parseSections(text)).flatMap((section) =>
    Object.entries(section).flatMap(([key, value]) => {
      const pid = /^pid\s*(\d+)$/i.exec(key)?.[1];
      if (pid === undefined || typeof value !== 'string') return [];
      const cells = value.split(',').map((cell) => cell.trim());
      const name = cells.slice(0, -4).join(',');
      return [{ pid: Number(pid), memoryMb: toMb(cells.at(-3)), name: isName(name) ? name : null }];
    }),
  );
}

/** `PID 4242 is using 2 DRM device(s):`, then their numbers. */
export function parsePidGpus(text: string): Map<number, number[]> {
  const found = new Map<number, number[]>();
  let current: number[] | undefined;
  for (const line of text.split('\n')) {
    const pid = /^PID (\d+) is using/.exec(line)?.[1];
    if (pid !== undefined) {
      current = [];
      found.set(Number(pid), current);
    } else if (/^[\d\s]+$/.test(line)) current?.push(...(line.match(/\d+/g) ?? []).map(Number));
    else current = undefined;
  }
  return found;
}

function parseSections(text: string): z.infer<typeof answerSchema> {
  const start = text.indexOf('{');
  const end = text.lastIndexOf('}');
  if (start < 0) return {};
  try {
    return answerSchema.parse(JSON.parse(text.slice(start, end + 1)));
  } catch (error) {
    throw new QwexError({
      code: 'unreachable',
      message: `${PROGRAM} printed something that is not the JSON it should be`,
      hint: `try ${PROGRAM} --showuse --json by hand`,
      cause: error,
    });
  }
}

function keyed(values: Record<string, unknown>): (key: string) => string | undefined {
  const texts = new Map(Object.entries(values).map(([key, value]) => [key.toLowerCase(), value]));
  return (key) => {
    const value = texts.get(key);
    return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;
  };
}

function isName(text: string | undefined): text is string {
  return text !== undefined && text !== '' && text !== 'N/A' && text !== 'UNKNOWN' && !/^0x/.test(text);
}

function toNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : null;
}

function toMb(bytes: string | undefined): number | null {
  const number = toNumber(bytes);
  return number === null ? null : Math.round(number / MIB);
}

function checked({ code, stdout, stderr }: ProgramAnswer): string {
  if (code === 0) return stdout;
  throw new QwexError({
    code: 'unreachable',
    message: `${PROGRAM} failed with code ${code}: ${`${stderr}\n${stdout}`.trim().split('\n')[0] ?? ''}`,
    hint: `try ${PROGRAM} by hand`,
  });
}
