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
export const boxDeviceStatusSchema = z.object({
  id: z.string(),
  type: z.string(),
  uuid: z.string().nullable(),
  memoryMb: z.number(),
  memoryUsedMb: z.number().nullable(),
  utilizationPercent: z.number().nullable(),
  /** `missing`: in box.yaml, and the driver doesn't show it. */
  state: z.enum(['free', 'leased', 'stranger', 'drained', 'missing']),
  member: z.string().nullable(),
  run: z.string().nullable(),
  sinceMs: z.number().nullable(),
  untilMs: z.number().nullable(),
  /** The stranger, or why it is drained, or that the holder does nothing. */
  note: z.string().nullable(),
});
export type BoxDeviceStatus = z.infer<typeof boxDeviceStatusSchema>;

export const boxLineEntrySchema = z.object({
  /** null: not in the line at the moment, see the reason. */
  position: z.number().nullable(),
  run: z.string(),
  member: z.string(),
  gpus: z.number(),
  type: z.string().nullable(),
  /** null: nobody can tell. */
  expectedMs: z.number().nullable(),
  reason: z.string(),
});
export type BoxLineEntry = z.infer<typeof boxLineEntrySchema>;

export const boxStatusSchema = z.object({
  path: z.string(),
  /** False for a box in the daemon's own home. */
  shared: z.boolean(),
  devices: z.array(boxDeviceStatusSchema),
  line: z.array(boxLineEntrySchema),
  problems: z.array(z.string()),
});
export type BoxStatus = z.infer<typeof boxStatusSchema>;

export const boxReportRowSchema = z.object({
  member: z.string(),
  runs: z.number(),
  deviceSeconds: z.number(),
  /** Share of what the devices had to give in that time, 0 to 1. */
  share: z.number(),
  /** What other daemons saw this member hold. */
  witnessedDeviceSeconds: z.number(),
  /** The figure that fair share goes by: device-seconds with their age taken into account. */
  decayedDeviceSeconds: z.number(),
  note: z.string().nullable(),
});
export type BoxReportRow = z.infer<typeof boxReportRowSchema>;

export const boxReportSchema = z.object({
  sinceMs: z.number(),
  untilMs: z.number(),
  members: z.array(boxReportRowSchema),
});
export type BoxReport = z.infer<typeof boxReportSchema>;

/** `GET /box/report`: the report, and the devices that are held now in a way that is worth a look. */
export const boxReportResponseSchema = boxReportSchema.extend({ remarkable: z.array(boxDeviceStatusSchema) });
export type BoxReportResponse = z.infer<typeof boxReportResponseSchema>;

export const boxFindingSchema = z.object({
  level: z.enum(['ok', 'warning', 'error']),
  message: z.string(),
  hint: z.string().nullable(),
});
export type BoxFinding = z.infer<typeof boxFindingSchema>;

export const boxDoctorResponseSchema = z.object({ path: z.string(), findings: z.array(boxFindingSchema) });
export type BoxDoctorResponse = z.infer<typeof boxDoctorResponseSchema>;

/** Why a device is drained: one line for people. Without a reason it is the empty text. */
const why = z.string().max(200, { error: 'must be 200 characters or fewer' });

export const boxDrainRequestSchema = z.strictObject({ why: why.default('') });
export type BoxDrainRequest = z.input<typeof boxDrainRequestSchema>;

/** A device as it stands in box.yaml after the change; `drained` is null for one that is in use. */
export const boxDrainResponseSchema = z.object({
  path: z.string(),
  device: z.string(),
  drained: z.string().nullable(),
});
export type BoxDrainResponse = z.infer<typeof boxDrainResponseSchema>;

/** What is done to a box's own files, by whoever made it and without a daemon. */
export const boxChangeSchema = z.discriminatedUnion('change', [
  z.strictObject({
    change: z.literal('init'),
    /** null: the usual place. */
    path: z.string().startsWith('/').nullable(),
    group: z.string().min(1).nullable(),
    /** How many devices to pretend. */
    fake: z.int().min(1).max(64).nullable(),
    /** Devices that no driver tells of; none: those of the driver. */
    devices: z.array(device.pick({ id: true, type: true, uuid: true })),
    defaultTimeMs: z.int().min(1),
    maxDevices: z.int().min(1).nullable(),
  }),
  z.strictObject({
    change: z.literal('drain'),
    path: z.string().startsWith('/').nullable(),
    device: z.string().min(1),
    /** null: back into use. */
    why: why.nullable(),
  }),
]);
export type BoxChange = z.input<typeof boxChangeSchema>;

/** A box as it was made. */
export interface BoxMade {
  path: string;
  /** Where daemons look without being told. */
  isUsualPlace: boolean;
  source: BoxFile['source'];
  devices: { id: string; type: string; uuid: string | null; memoryMb: number }[];
  group: string | null;
  /** Who may change box.yaml beside root: their uid. */
  owner: number;
  /** What will get in its members' way. */
  warnings: string[];
}
