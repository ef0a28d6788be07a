// The shape of the two files that people write: a workspace's .qwex/config.yaml and their own
// $QWEX_HOME/config.yaml. Keys are as in the file; only times are turned into milliseconds.
// zod is slow to load: the command line imports types from here, never values.
import { z } from 'zod';
import { parseDuration } from './duration.ts';
import { messageOf } from './errors.ts';
import { isPathTooLong, LIMITS, PATH_TOO_LONG } from './schemas/run.ts';

/** Anything that YAML can say. */
export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

/** Names of runners, layers, storages and jobs: safe as a file name and as an argument. */
export const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const name = z.string().regex(NAME_PATTERN, {
  error: 'must be a name of letters, digits, ".", "_" and "-" that starts with a letter or digit',
});
const text = z
  .string({ error: 'must be a text' })
  .min(1, { error: 'must not be empty' })
  .refine((value) => !value.includes('\0'), { error: 'must not hold a NUL byte' });

const duration = z
  .union([z.string(), z.number()], { error: 'must be a time with a unit, such as 30m or 4h' })
  .transform((value, context) => {
    try {
      return parseDuration(String(value));
    } catch (error) {
      context.addIssue({ code: 'custom', message: `is wrong: ${messageOf(error)} (such as 30m or 4h)` });
      return z.NEVER;
    }
  });

/** A path below the workspace's root: no leading slash, no `..`, without `./` and trailing slashes. */
const insidePath = text
  .refine((path) => !path.startsWith('/') && !path.split('/').includes('..'), {
    error: 'must be a path inside the workspace (relative, without "..")',
  })
  .refine((path) => !isPathTooLong(path), { error: PATH_TOO_LONG })
  .transform((path) => {
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    return parts.length === 0 ? '.' : parts.join('/');
  });
const linkPath = insidePath.refine((path) => path !== '.' && path.split('/')[0] !== '.git', {
  error: 'must name something inside the workspace, and not .git',
});

const environmentName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'must be the name of an environment variable' })
  .refine((key) => !key.startsWith('QWEX_'), { error: 'must not start with QWEX_, which qwex sets itself' });
const environmentValue = z
  .union([z.string(), z.number(), z.boolean()], { error: 'must be a text, a number or true/false' })
  .transform(String)
  .refine((value) => !value.includes('\0'), { error: 'must not hold a NUL byte' });

const resources = z
  .strictObject({
    gpus: z
      .int({ error: 'must be a whole number' })
      .min(0, { error: 'must be 0 or more' })
      .max(1024, { error: 'must be 1024 or less' })
      .optional(),
    gpu_type: text.max(64).optional(),
    time: duration
      .refine((ms) => ms > 0, { error: 'must be longer than nothing' })
      .refine((ms) => ms <= LIMITS.timeMs, { error: 'must be ten years or less' })
      .optional(),
  })
  .transform(({ gpus, gpu_type, time }) => ({
    ...(gpus === undefined ? {} : { gpus }),
    ...(gpu_type === undefined ? {} : { gpuType: gpu_type }),
    ...(time === undefined ? {} : { timeMs: time }),
  }));

const layer = z
  .looseObject({ template: name.optional(), type: name.optional() })
  .refine((value) => value.template === undefined || value.type === undefined, {
    error: 'has both "template" and "type", which mean the same: keep one',
    path: ['type'],
  })
  .transform(({ template, type, ...values }) => ({
    /** null: the template of the layer's own name. */
    template: template ?? type ?? null,
    values: values as Record<string, Value>,
  }));

const runner = z.strictObject({
  layers: z.array(name).default([]),
  /** role in the templates → name under `storage:`. */
  storage: z.record(name, name).default({}),
});

const storage = z.looseObject({
  type: z.enum(['mount', 'git-direct', 'bundle']),
  layer: name.optional(),
});

const job = z.strictObject({
  /** A text is a line of shell; a list is one word each. */
  command: z.union([text, z.array(z.string()).min(1)], {
    error: 'must be a line of shell or a list of words',
  }),
  runner: name.optional(),
  resources: resources.optional(),
});

/** `.qwex/config.yaml` or `qwex.yaml`. `plugins` is an old word for `layers`; the loader joins them. */
export const workspaceConfigSchema = z.strictObject({
  name: text.optional(),
  defaults: z.strictObject({ runner: name.default('base') }).prefault({}),
  source: z
    .strictObject({
      dirty: z.enum(['refuse', 'snapshot']).default('refuse'),
      links: z.array(linkPath).default([]),
      untracked: z.enum(['warn', 'refuse']).default('warn'),
      submodules: z.boolean().default(false),
    })
    .prefault({}),
  artifacts: z
    .strictObject({
      watch_directories: z.array(insidePath).default(['out']),
      ignore_patterns: z.array(text).default(['*.tmp', '*.log', '__pycache__', '.git']),
      max_file_size_mb: z.number().positive({ error: 'must be more than 0' }).default(1000),
    })
    .prefault({}),
  resources: resources.prefault({}),
  env: z.record(environmentName, environmentValue).default({}),
  runners: z.record(name, runner).default({}),
  layers: z.record(name, layer).default({}),
  plugins: z.record(name, layer).default({}),
  storage: z.record(name, storage).default({}),
  jobs: z.record(name, job).default({}),
});

export type WorkspaceConfigFile = z.output<typeof workspaceConfigSchema>;
/** What the rest of qwex reads: defaults filled in, `plugins` merged into `layers`. */
export type WorkspaceConfig = Omit<WorkspaceConfigFile, 'plugins'>;
export type LayerConfig = WorkspaceConfig['layers'][string];
export type JobConfig = WorkspaceConfig['jobs'][string];
/** Resources as a file or a request may ask for them: what is absent is not asked for. */
export type ResourceRequest = z.output<typeof resources>;

const folder = text.refine((path) => path.startsWith('/') || path === '~' || path.startsWith('~/'), {
  error: 'must be an absolute path, or start with ~/',
});

/** `$QWEX_HOME/config.yaml`. */
export const userConfigSchema = z.strictObject({
  /** Runs without devices that may run at the same time. */
  slots: z
    .int({ error: 'must be a whole number' })
    .min(1, { error: 'must be 1 or more' })
    .max(10_000, { error: 'must be 10000 or less' })
    .default(1),
  /** The shared machine's folder. */
  box: folder.optional(),
  /** Where worktrees go instead of `$QWEX_HOME/spaces`. */
  spaces: folder.optional(),
  /** Where the run folders go instead of `$QWEX_HOME`. */
  runs: folder.optional(),
  /** Between TERM and KILL. */
  grace: duration.prefault('10s'),
});

/** `grace` is in milliseconds here, named so. */
export type UserConfig = Omit<z.output<typeof userConfigSchema>, 'grace'> & { graceMs: number };
export type UserConfigKey = keyof z.input<typeof userConfigSchema>;
