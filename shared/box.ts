// The shared machine, as the daemon tells it and the command line shows it, and the shape of box.yaml. Keys of the file
// are as in the file; times become milliseconds. The command line imports types from here, never values: zod is slow to load.
import { z } from 'zod';
import { parseDuration } from './duration.ts';
import { messageOf } from './errors.ts';

const duration = z
  .union([z.string(), z.number()], { error: 'must be a time with a unit, such as 12h or 7d' })
  .transform((value, context) => {
    try {
      return parseDuration(String(value));
    } catch (error) {
      context.addIssue({ code: 'custom', message: `is wrong: ${messageOf(error)}` });
      return z.NEVER;
    }
  })
  .refine((ms) => ms > 0, { error: 'must be longer than nothing' });

/** Also a file name: `<id>.lock`. */
export const DEVICE_ID = /^[a-z0-9][a-z0-9._-]{0,31}$/;
/** What `--gpus TYPE:N` names. */
const TYPE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const count = z.int({ error: 'must be a whole number' }).min(1, { error: 'must be 1 or more' });

const device = z.strictObject({
  id: z.string().regex(DEVICE_ID, { error: 'must be a name of small letters, digits, ".", "_" and "-"' }),
  type: z.string().regex(TYPE, { error: 'must be letters, digits, ".", "_" and "-"' }).default('gpu'),
  /** What CUDA_VISIBLE_DEVICES gets; without one, the device's place in the list. */
  uuid: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9/_.:-]{0,127}$/, { error: 'must be a uuid as the driver prints it' })
    .optional(),
  memory_mb: z.int({ error: 'must be a whole number' }).min(0).default(0),
  /** Not given out; the text says why. */
  drained: z.string().max(200).optional(),
});

const limits = { max_devices: count.optional(), max_runs: count.optional() };

/** `box.yaml`. */
export const boxFileSchema = z
  .strictObject({
    /** Version of the rules by which daemons decide; one that has other rules must not. */
    plan: z.int({ error: 'must be a whole number' }),
    source: z.enum(['nvidia', 'rocm', 'declared', 'fake']),
    /** With `source: fake`, the file that says what the devices do. */
    fake: z.string().startsWith('/', { error: 'must be an absolute path' }).optional(),
    /** How long a run without a time limit is expected to take, and may take at most. */
    default_time: duration,
    devices: z.array(device),
    policy: z
      .strictObject({
        half_life: duration.prefault('7d'),
        patience: duration.prefault('7d'),
        max_time: duration.optional(),
        ...limits,
        members: z
          .record(
            z.string().min(1),
            z.strictObject({ ...limits, band: z.int().min(-100).max(100).optional() }),
          )
          .default({}),
        stranger_memory_mb: z.number().min(0).default(1024),
        ignore: z.array(z.string().min(1)).default([]),
      })
      .prefault({}),
  })
  .superRefine((box, context) => {
    const ids = new Set<string>();
    box.devices.forEach(({ id }, index) => {
      if (ids.has(id) || id === 'arbiter') {
        context.addIssue({ code: 'custom', path: ['devices', index, 'id'], message: `"${id}" is taken` });
      }
      ids.add(id);
    });
    if (box.source === 'fake' && box.fake === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['fake'],
        message: 'is missing: the file of the fake devices',
      });
    }
    if (box.policy.max_time !== undefined && box.default_time > box.policy.max_time) {
      context.addIssue({ code: 'custom', path: ['default_time'], message: 'is longer than policy.max_time' });
    }
  });

export type BoxFile = z.output<typeof boxFileSchema>;
export type BoxDevice = BoxFile['devices'][number];

/** One device, for people. Memory in MiB, times in ms since the epoch. */
export interface BoxDeviceStatus {
  id: string;
  type: string;
  uuid: string | null;
  memoryMb: number;
  memoryUsedMb: number | null;
  utilizationPercent: number | null;
  state: 'free' | 'leased' | 'stranger' | 'drained';
  member: string | null;
  run: string | null;
  sinceMs: number | null;
  untilMs: number | null;
  /** The stranger, or why it is drained, or that the holder does nothing. */
  note: string | null;
}

export interface BoxLineEntry {
  /** null: not in the line at the moment, see the reason. */
  position: number | null;
  run: string;
  member: string;
  gpus: number;
  type: string | null;
  /** null: nobody can tell. */
  expectedMs: number | null;
  reason: string;
}

export interface BoxStatus {
  path: string;
  /** False for a box in the daemon's own home. */
  shared: boolean;
  devices: BoxDeviceStatus[];
  line: BoxLineEntry[];
  problems: string[];
}

export interface BoxReportRow {
  member: string;
  runs: number;
  deviceSeconds: number;
  /** Share of what the devices had to give in that time, 0 to 1. */
  share: number;
  /** What other daemons saw this member hold. */
  witnessedDeviceSeconds: number;
  /** The figure that fair share goes by: device-seconds with their age taken into account. */
  decayedDeviceSeconds: number;
  note: string | null;
}

export interface BoxReport {
  sinceMs: number;
  untilMs: number;
  members: BoxReportRow[];
}

export interface BoxFinding {
  level: 'ok' | 'warning' | 'error';
  message: string;
  hint: string | null;
}
