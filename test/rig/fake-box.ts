// A box with made-up devices, for what shares it.
import { writeFile } from 'node:fs/promises';
import { type InitBoxOptions, initBox } from '../../daemon/box/index.ts';

const HOUR_MS = 3_600_000;

export interface FakeBoxOptions {
  path: string;
  /** Of box.yaml. */
  policy?: InitBoxOptions['policy'] | undefined;
  /** Of the devices, in order; `fake` where none is given. Default: one device. */
  types?: readonly string[];
  /** What is reported of the devices; kept beside the box by default. */
  file?: string;
  defaultTimeMs?: number;
}

/** Devices `gpu0`, `gpu1` …, one for each type; a UUID is `FAKE-` and the id. */
export async function makeFakeBox(options: FakeBoxOptions): Promise<void> {
  const { path, policy, types = ['fake'], file = `${path}.devices.yaml`, defaultTimeMs = HOUR_MS } = options;
  const devices = types.map((type, index) => {
    const id = `gpu${index}`;
    return { id, type, uuid: `FAKE-${id}`, memoryMb: 16_384 };
  });
  // JSON is YAML.
  await writeFile(file, JSON.stringify({ devices: devices.map(({ id }) => ({ id })) }));
  const optional = policy === undefined ? {} : { policy };
  await initBox({ path, source: 'fake', fake: file, devices, defaultTimeMs, ...optional });
}
