// Devices that a file describes: to try a box on any machine, and to share something that isn't a GPU. The file says
// which devices there are, and what strangers do on them; it may change at any time.
import { z } from 'zod';
import { QwexError } from '../../../shared/errors.ts';
import { problemsError } from '../../config/problems.ts';
import { readSource } from '../../config/source-file.ts';
import { validate } from '../../config/validate.ts';
import { parseYaml } from '../../config/yaml-file.ts';
import type { DeviceSource, FoundDevice, Observation } from './source.ts';

const fakeSchema = z.strictObject({
  devices: z.array(
    z.strictObject({
      id: z.string(),
      type: z.string().default('fake'),
      uuid: z.string().optional(),
      memory_mb: z.int().min(0).default(16_384),
      used_mb: z.number().min(0).optional(),
      utilization: z.number().min(0).max(100).optional(),
    }),
  ),
  strangers: z
    .array(
      z.strictObject({
        device: z.string(),
        pid: z.int().positive(),
        memory_mb: z.number().min(0).optional(),
        name: z.string().optional(),
      }),
    )
    .default([]),
});

export class FakeDevices implements DeviceSource {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async find(): Promise<FoundDevice[]> {
    const { devices } = await this.#read();
    return devices.map(({ id, uuid, type, memory_mb }) => ({
      id,
      uuid: uuid ?? `FAKE-${id}`,
      type,
      memoryMb: memory_mb,
    }));
  }

  async observe(): Promise<ReadonlyMap<string, Observation>> {
    const { devices, strangers } = await this.#read();
    return new Map(
      devices.map((device) => [
        device.uuid ?? `FAKE-${device.id}`,
        {
          memoryMb: device.memory_mb,
          memoryUsedMb: device.used_mb ?? null,
          utilizationPercent: device.utilization ?? null,
          processes: strangers
            .filter(({ device: id }) => id === device.id)
            .map(({ pid, memory_mb, name }) => ({ pid, memoryMb: memory_mb ?? null, name: name ?? null })),
          namesProcesses: true,
        },
      ]),
    );
  }

  async #read(): Promise<z.output<typeof fakeSchema>> {
    const source = await readSource(this.#path, this.#path);
    if (source === null) {
      throw new QwexError({
        code: 'not_found',
        message: `the file of the fake devices, ${this.#path}, is not there`,
        hint: 'write it, or correct "fake" in box.yaml',
      });
    }
    const { yaml, problems } = parseYaml(source);
    if (problems.length > 0) throw problemsError('invalid_config', problems);
    const checked = validate(fakeSchema, yaml);
    if (!checked.ok) throw problemsError('invalid_config', checked.problems);
    return checked.value;
  }
}
