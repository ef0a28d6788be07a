// The protocol's types of a run. Types, validation and the OpenAPI document all come from here.
// Only types may be imported by the CLI: zod is slow to load.
import { z } from 'zod';
import { END_REASONS, PHASES, STATUSES } from '../run-state.ts';

const timestamp = z.iso.datetime({ offset: true }).describe('RFC 3339');
const nullable = <T extends z.ZodType>(schema: T) => schema.nullable();

export const shaSchema = z
  .string()
  .regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, 'must be a full commit id (40 or 64 hex digits)');

/** Limits of what a client may send; an error names the one that was passed. */
export const LIMITS = {
  nameLength: 100,
  commandBytes: 128 * 1024,
  argumentCount: 4096,
  environmentNames: 4096,
  environmentBytes: 1024 * 1024,
  /** Of NAME=value and the NUL behind it: no program can be started with a longer one (MAX_ARG_STRLEN of Linux). */
  variableBytes: 128 * 1024,
  /** Of a path: PATH_MAX of Linux. */
  pathLength: 4096,
  /** Paths to watch or to link. */
  paths: 1000,
  runsPerRequest: 10_000,
  bodyBytes: 16 * 1024 * 1024,
  /** Levels and keys of a body: both many times what any request has. */
  bodyDepth: 64,
  bodyKeys: 20_000,
  retries: 100,
  dependencies: 100,
  /** Of a time limit: ten years. */
  timeMs: 10 * 365 * 24 * 3_600_000,
} as const;

export const resourcesSchema = z
  .strictObject({
    gpus: z.number().int().min(0).max(1024).default(0),
    gpuType: nullable(z.string().min(1).max(64)).default(null),
    timeMs: nullable(z.number().int().positive().max(LIMITS.timeMs, numberOver(LIMITS.timeMs)))
      .default(null)
      .describe('time limit in milliseconds'),
  })
  .meta({ id: 'Resources' });
export type Resources = z.infer<typeof resourcesSchema>;

export const artifactSchema = z
  .object({
    path: z.string().describe('relative to the workspace, / as separator'),
    sizeBytes: z.number().int(),
    sha256: nullable(z.string()),
    mode: z.number().int().describe('permission bits'),
    type: z.enum(['file', 'symlink']),
    target: z.string().optional().describe('of a symlink'),
  })
  .meta({ id: 'Artifact' });
export type Artifact = z.infer<typeof artifactSchema>;

export const dependencySchema = z
  .object({ id: z.string(), policy: z.enum(['success', 'any']) })
  .meta({ id: 'Dependency' });
export type Dependency = z.infer<typeof dependencySchema>;

export const runSchema = z
  .object({
    id: z.string().describe('UUIDv7'),
    name: nullable(z.string()),
    status: z.enum(STATUSES),
    phase: z.enum(PHASES),
    command: z.string(),
    args: z.array(z.string()),
    createdAt: timestamp,
    startedAt: nullable(timestamp),
    finishedAt: nullable(timestamp),
    exitCode: nullable(z.number().int()).describe(
      "the command's own code, 128+n for a signal; null: none or unknown",
    ),
    backend: z.string().describe('the runner'),
    source: z.object({ sha: z.string() }),
    reason: nullable(z.enum(END_REASONS)).describe('why it ended'),
    message: nullable(z.string()).describe('in words: what a pending run waits for, or what ended it'),
    jobId: z.string().describe('hash of the recipe'),
    workspace: z.string(),
    root: z.string().describe('absolute path of the repository that it was submitted from'),
    subdir: z
      .string()
      .describe("directory of the command, relative to the workspace's root; empty at the root"),
    directory: z.string().describe("absolute path of the run's folder"),
    resources: resourcesSchema,
    devices: z.array(z.string()),
    priority: z.number().int(),
    held: z.boolean(),
    after: z.array(dependencySchema),
    retryOf: nullable(z.string()),
    retriedBy: nullable(z.string()).describe('the run that tried again; wait and watch follow it'),
    retriesLeft: z.number().int(),
    attempt: z
      .number()
      .int()
      .describe('starts so far; more than 1 only after a crash before the command ran'),
    cancelRequestedAt: nullable(timestamp),
    position: nullable(z.number().int()).describe(
      'place in the queue, from 1; null when not waiting for a slot',
    ),
    notes: z.array(z.string()).describe('what a reader of the result should know'),
    artifactCount: z.number().int(),
    artifactBytes: z.number().int(),
    artifacts: z.array(artifactSchema).optional().describe('absent in lists'),
  })
  .meta({ id: 'RunResponse' });
export type Run = z.infer<typeof runSchema>;

/** A command as it is passed to a program: each word and the NUL behind it. */
export function isCommandTooLong(words: readonly string[]): boolean {
  return words.reduce((bytes, word) => bytes + utf8Length(word) + 1, 0) > LIMITS.commandBytes;
}
export const COMMAND_TOO_LONG = `is longer than ${LIMITS.commandBytes / 1024} KiB`;

/**
 * Whether a run could never have a file at this path: a name has at most 255 bytes (NAME_MAX), and the whole at most
 * 4,096 (PATH_MAX), of which the folder of the run's space takes some.
 */
export function isPathTooLong(path: string): boolean {
  return utf8Length(path) > 3072 || path.split('/').some((name) => utf8Length(name) > 255);
}
export const PATH_TOO_LONG = 'is too long: a name has at most 255 bytes, and the whole path 3072';

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** A text of at most so many characters; the error says how many there are. */
function atMost(limit: number) {
  return z.string().max(limit, {
    error: ({ input }) => `has ${String(input).length} characters; the limit is ${limit}`,
  });
}

/** For a number's `max`: says which it is. */
function numberOver(limit: number) {
  return { error: ({ input }: { input?: unknown }) => `is ${String(input)}; the limit is ${limit}` };
}

/** A list of at most so many; the error says how many there are. */
export function listOf<T extends z.ZodType>(schema: T, limit: number) {
  return z.array(schema).max(limit, {
    error: ({ input }) => `has ${Array.isArray(input) ? input.length : 0} items; the limit is ${limit}`,
  });
}

const noNul = (text: string) => !text.includes('\0');
const NUL = 'must not contain a NUL byte';
const argument = z.string().refine(noNul, NUL);

export const nameSchema = atMost(LIMITS.nameLength)
  .min(1)
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/,
    'may have letters, digits and . _ + - and must not start with a dot or dash',
  );

/** What names a runner, a job or a run: long enough for any, and short enough to be repeated in an error. */
export const wordSchema = atMost(200);

export const environmentSchema = z
  .record(z.string().regex(/^[^=\0]+$/, 'must be a variable name'), argument)
  .superRefine((env, context) => {
    const refuse = (message: string) => context.addIssue({ code: 'custom', message });
    const lengths = Object.entries(env).map(
      ([name, value]) => [name, utf8Length(name) + utf8Length(value) + 2] as const,
    );
    if (lengths.length > LIMITS.environmentNames)
      refuse(`has more than ${LIMITS.environmentNames} variables: ${lengths.length}`);
    const total = lengths.reduce((sum, [, bytes]) => sum + bytes, 0);
    if (total > LIMITS.environmentBytes)
      refuse(`is larger than ${LIMITS.environmentBytes / 1024} KiB: ${total} bytes`);
    for (const [name, bytes] of lengths.filter((each) => each[1] > LIMITS.variableBytes)) {
      const shown = name.length > 100 ? `${name.slice(0, 100).toWellFormed()}…` : name;
      refuse(`has a variable ${shown} larger than ${LIMITS.variableBytes / 1024} KiB: ${bytes} bytes`);
    }
  });

const prioritySchema = z.number().int().min(-1000).max(1000);
const retriesSchema = z.number().int().min(0).max(LIMITS.retries, numberOver(LIMITS.retries));
const relativePath = atMost(LIMITS.pathLength).refine(noNul, NUL);

/** A place in the file system. */
export function absolutePath(error = 'must be an absolute path') {
  return atMost(LIMITS.pathLength).startsWith('/', error).refine(noNul, NUL);
}

/** `POST /runs` of the protocol: strict source, one command. */
export const submitRunSchema = z
  .strictObject({
    name: nameSchema.optional(),
    command: argument.min(1),
    args: listOf(argument, LIMITS.argumentCount).default([]),
    env: environmentSchema.default({}),
    source: z.strictObject({
      sha: shaSchema,
      key: absolutePath("must be the workspace's absolute path"),
    }),
    backend: wordSchema.optional(),
    resources: resourcesSchema.partial().optional(),
    after: listOf(wordSchema, LIMITS.dependencies).optional(),
    priority: prioritySchema.optional(),
    retries: retriesSchema.optional(),
    timeLimit: z
      .number()
      .positive()
      .max(LIMITS.timeMs / 1000, numberOver(LIMITS.timeMs / 1000))
      .optional()
      .describe('seconds'),
    cwd: relativePath.optional().describe('directory inside the workspace'),
    watch: listOf(relativePath, LIMITS.paths).optional(),
    hold: z.boolean().optional(),
    idempotencyKey: z.string().min(1).max(200).optional(),
  })
  .refine(({ command, args }) => !isCommandTooLong([command, ...args]), {
    message: COMMAND_TOO_LONG,
    path: ['command'],
  })
  .meta({ id: 'SubmitRunRequest' });
export type SubmitRunRequest = z.infer<typeof submitRunSchema>;

export { argument, prioritySchema, relativePath, retriesSchema };

export const runPageSchema = z
  .object({ runs: z.array(runSchema), nextCursor: nullable(z.string()) })
  .meta({ id: 'RunPage' });
export type RunPage = z.infer<typeof runPageSchema>;

export const logsSchema = z
  .object({
    stdout: z.string(),
    stderr: z.string(),
    offsets: z
      .object({ stdout: z.number().int(), stderr: z.number().int() })
      .describe('byte offsets of what follows'),
  })
  .meta({ id: 'LogsResponse' });
export type LogsResponse = z.infer<typeof logsSchema>;

export const artifactUrlSchema = z
  .object({ url: z.string(), expires: z.number().int().describe('Unix seconds') })
  .meta({ id: 'ArtifactUrlResponse' });
export type ArtifactUrl = z.infer<typeof artifactUrlSchema>;

export const skippedSchema = z
  .object({ path: z.string(), reason: z.string(), sizeBytes: z.number().int().optional() })
  .meta({ id: 'SkippedFile' });

export const leftSchema = z
  .object({ path: z.string(), sizeBytes: z.number().int(), files: z.number().int() })
  .meta({ id: 'LeftEntry' });

export const artifactListSchema = z
  .object({ artifacts: z.array(artifactSchema), skipped: z.array(skippedSchema), left: z.array(leftSchema) })
  .meta({ id: 'ArtifactList' });
export type ArtifactList = z.infer<typeof artifactListSchema>;

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.string(),
    detail: z.string(),
    hint: z.string().optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof problemSchema>;
