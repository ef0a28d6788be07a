// Requests that only the owner's own CLI makes, on the Unix socket: not part of the protocol.
import { z } from 'zod';
import { STATUSES } from '../run-state.ts';
import {
  absolutePath,
  argument,
  COMMAND_TOO_LONG,
  environmentSchema,
  isCommandTooLong,
  LIMITS,
  listOf,
  nameSchema,
  prioritySchema,
  relativePath,
  resourcesSchema,
  retriesSchema,
  runSchema,
  wordSchema,
} from './run.ts';

/** Of who submits: what a run writes shall be as readable to others as if they had run it themselves. */
const umaskSchema = z.number().int().min(0).max(0o777).default(0o022);

const commandSchema = listOf(argument, LIMITS.argumentCount)
  .min(1)
  .refine((words) => !isCommandTooLong(words), COMMAND_TOO_LONG);

export const localSubmitSchema = z
  .strictObject({
    cwd: absolutePath().describe('where the user stands'),
    commands: listOf(commandSchema, LIMITS.runsPerRequest),
    job: wordSchema.optional().describe('a job of the config; the command words are added to its own'),
    environment: environmentSchema.describe("the submitter's environment"),
    umask: umaskSchema,
    env: environmentSchema.default({}).describe('set on purpose: --env, --env-file'),
    name: nameSchema.optional(),
    runner: wordSchema.optional(),
    resources: resourcesSchema.partial().optional(),
    watch: listOf(relativePath, LIMITS.paths).optional(),
    links: listOf(relativePath, LIMITS.paths).optional(),
    after: listOf(wordSchema, LIMITS.dependencies).default([]),
    afterAny: listOf(wordSchema, LIMITS.dependencies).default([]),
    priority: prioritySchema.optional(),
    retries: retriesSchema.optional(),
    hold: z.boolean().default(false),
    snapshot: z.boolean().optional(),
    dryRun: z.boolean().default(false).describe('check and compile, submit nothing'),
    idempotencyKey: z.string().min(1).max(200).optional(),
  })
  .meta({ id: 'LocalSubmitRequest' });
export type LocalSubmitRequest = z.input<typeof localSubmitSchema>;
export type LocalSubmit = z.infer<typeof localSubmitSchema>;

export const rerunRequestSchema = z
  .strictObject({
    environment: environmentSchema.describe(
      "the environment of who asks: the first run's is deleted at its end",
    ),
    umask: umaskSchema,
    idempotencyKey: z.string().min(1).max(200).optional(),
  })
  .meta({ id: 'RerunRequest' });
export type RerunRequest = z.infer<typeof rerunRequestSchema>;

/** Something to tell the user beside the answer: `warning` may cost a result, `hint` is advice. */
export const noticeSchema = z
  .object({ level: z.enum(['warning', 'hint']), message: z.string() })
  .meta({ id: 'Notice' });
export type Notice = z.infer<typeof noticeSchema>;

export const compiledSchema = z
  .object({
    runner: z.string(),
    layers: z.array(
      z.object({ name: z.string(), template: z.string(), origin: z.enum(['user', 'built-in']) }),
    ),
    script: z.string(),
    sha256: z.string(),
  })
  .meta({ id: 'CompiledScript' });
export type Compiled = z.infer<typeof compiledSchema>;

export const localSubmitResponseSchema = z
  .object({
    runs: z.array(runSchema).describe('empty for a dry run'),
    notices: z.array(noticeSchema),
    compiled: z.array(compiledSchema).optional().describe('of a dry run'),
    workspace: z.object({ name: z.string(), root: z.string(), sha: z.string(), snapshot: z.boolean() }),
  })
  .meta({ id: 'LocalSubmitResponse' });
export type LocalSubmitResponse = z.infer<typeof localSubmitResponseSchema>;

export const compileRequestSchema = z
  .strictObject({
    cwd: absolutePath(),
    command: listOf(argument, LIMITS.argumentCount).refine(
      (words) => !isCommandTooLong(words),
      COMMAND_TOO_LONG,
    ),
    job: wordSchema.optional(),
    runner: wordSchema.optional(),
    resources: resourcesSchema.partial().optional(),
  })
  .meta({ id: 'CompileRequest' });
export type CompileRequest = z.input<typeof compileRequestSchema>;

export const daemonStatusSchema = z
  .object({
    pid: z.number().int(),
    version: z.string(),
    socket: z.string(),
    home: z.string(),
    startedAt: z.string(),
    slots: z.number().int(),
    paused: z.boolean(),
    counts: z.record(z.enum(STATUSES), z.number().int()),
    memoryBytes: z.number().int(),
    problem: z.string().nullable().describe('what keeps new runs from starting (a full disk), in words'),
  })
  .meta({ id: 'DaemonStatus' });
export type DaemonStatus = z.infer<typeof daemonStatusSchema>;

export const gcRequestSchema = z
  .strictObject({
    force: z.boolean().default(false).describe('without it nothing is removed, only told'),
    olderThanMs: z.number().int().min(0).optional().describe('also remove whole runs that ended longer ago'),
  })
  .meta({ id: 'GcRequest' });
export type GcRequest = z.input<typeof gcRequestSchema>;

export const gcResponseSchema = z
  .object({
    forced: z.boolean(),
    items: z.array(
      z.object({ kind: z.string(), path: z.string(), bytes: z.number().int().nullable(), why: z.string() }),
    ),
  })
  .meta({ id: 'GcResponse' });
export type GcResponse = z.infer<typeof gcResponseSchema>;

export const checkSchema = z
  .object({
    name: z.string(),
    state: z.enum(['ok', 'warning', 'error']),
    message: z.string(),
    hint: z.string().optional(),
  })
  .meta({ id: 'Check' });
export type Check = z.infer<typeof checkSchema>;

export const runEventSchema = z
  .object({
    seq: z.number().int(),
    type: z.string().describe('run.<event>, or queue.paused, queue.resumed'),
    at: z.string(),
    runId: z.string().nullable(),
    status: z.enum(STATUSES).nullable(),
    phase: z.string().nullable(),
    reason: z.string().nullable(),
    exitCode: z.number().int().nullable(),
  })
  .meta({ id: 'RunEvent' });
export type RunEvent = z.infer<typeof runEventSchema>;

export const initRequestSchema = z.strictObject({ cwd: absolutePath() }).meta({ id: 'InitRequest' });
export type InitRequest = z.input<typeof initRequestSchema>;

export const initResponseSchema = z
  .object({
    root: z.string(),
    created: z.array(z.string()).describe('relative to the root'),
    kept: z.array(z.string()).describe('were there already and were not touched'),
  })
  .meta({ id: 'InitResponse' });
export type InitResponse = z.infer<typeof initResponseSchema>;

export const checkoutRequestSchema = z
  .strictObject({
    directory: absolutePath().describe('where the worktree goes; must not exist, or be empty'),
    umask: umaskSchema,
  })
  .meta({ id: 'CheckoutRequest' });
export type CheckoutRequest = z.input<typeof checkoutRequestSchema>;

export const checkoutResponseSchema = z
  .object({ directory: z.string(), sha: z.string(), notices: z.array(noticeSchema) })
  .meta({ id: 'CheckoutResponse' });
export type CheckoutResponse = z.infer<typeof checkoutResponseSchema>;

/** `GET /diff?a=&b=`: two runs side by side. */
export const diffResponseSchema = z
  .object({
    a: runSchema,
    b: runSchema,
    fields: z
      .array(z.object({ name: z.string(), a: z.string().nullable(), b: z.string().nullable() }))
      .describe('what differs beside the code: command, runner, resources, … in words'),
    patch: z.string().describe('git diff from the commit of a to that of b; empty when they are the same'),
    truncated: z.boolean().describe('the patch was too long and is cut at a line'),
  })
  .meta({ id: 'DiffResponse' });
export type DiffResponse = z.infer<typeof diffResponseSchema>;

/** `GET /templates?cwd=`: also what completion offers for `-r`. */
export const templatesResponseSchema = z
  .object({
    templates: z.array(
      z.object({
        name: z.string(),
        origin: z.enum(['user', 'built-in']),
        path: z.string(),
        summary: z.string().nullable(),
        resumable: z.boolean(),
        variables: z.array(
          z.object({ name: z.string(), default: z.string().nullable(), help: z.string().nullable() }),
        ),
      }),
    ),
    runners: z.array(z.object({ name: z.string(), layers: z.array(z.string()) })),
    jobs: z.array(z.string()),
  })
  .meta({ id: 'TemplatesResponse' });
export type TemplatesResponse = z.infer<typeof templatesResponseSchema>;

export const addRequestSchema = z
  .strictObject({
    cwd: absolutePath(),
    template: wordSchema.min(1),
    force: z.boolean().default(false).describe("overwrite the workspace's own"),
  })
  .meta({ id: 'AddRequest' });
export type AddRequest = z.input<typeof addRequestSchema>;

export const addResponseSchema = z
  .object({ path: z.string().describe('absolute'), overwritten: z.boolean() })
  .meta({ id: 'AddResponse' });
export type AddResponse = z.infer<typeof addResponseSchema>;

/** `PUT /config`: one setting of the user's config.yaml; `value` as typed by the user, null to unset. */
export const setConfigRequestSchema = z
  .strictObject({ key: wordSchema.min(1), value: relativePath.nullable() })
  .meta({ id: 'SetConfigRequest' });
export type SetConfigRequest = z.input<typeof setConfigRequestSchema>;

/** Answer of `GET /config` and `PUT /config`: every setting with its value in effect. */
export const configResponseSchema = z
  .object({
    path: z.string(),
    settings: z.array(
      z.object({
        key: z.string().describe('dotted: http.port'),
        value: z.unknown(),
        isDefault: z.boolean(),
        help: z.string(),
      }),
    ),
  })
  .meta({ id: 'ConfigResponse' });
export type ConfigResponse = z.infer<typeof configResponseSchema>;

/** `GET /doctor?cwd=`. */
export const doctorResponseSchema = z.object({ checks: z.array(checkSchema) }).meta({ id: 'DoctorResponse' });
export type DoctorResponse = z.infer<typeof doctorResponseSchema>;

/** `GET /doctor/rebuilt`: what the daemon that serves now has made its index from; `not_found` if it found it whole. */
export const rebuiltSchema = z
  .object({
    setAside: z.string().nullable().describe('where the former database is now; null when there was none'),
    restored: z.number().int().describe('runs that came back from their folders'),
    carriedOver: z
      .number()
      .int()
      .describe('runs that came over from the former database, as their folders tell nothing'),
    refused: z
      .array(z.object({ path: z.string(), why: z.string() }))
      .describe('folders that no run could be read from; they are left as they are'),
    formerUnreadable: z.string().nullable().describe('why nothing could be asked of the former database'),
  })
  .meta({ id: 'Rebuilt' });
export type Rebuilt = z.infer<typeof rebuiltSchema>;

export const stopRequestSchema = z
  .strictObject({
    restart: z.boolean().default(false).describe('another daemon takes over at once'),
    environment: environmentSchema
      .optional()
      .describe('where the next daemon takes its variables from; without it, those of this one'),
  })
  .meta({ id: 'StopRequest' });
export type StopRequest = z.input<typeof stopRequestSchema>;
export type StopOrder = z.output<typeof stopRequestSchema>;

export const stopResponseSchema = z
  .object({ pid: z.number().int(), running: z.number().int().describe('runs that go on without it') })
  .meta({ id: 'StopResponse' });
export type StopResponse = z.infer<typeof stopResponseSchema>;
