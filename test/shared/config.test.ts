import { describe, expect, it } from 'vitest';
import { userConfigSchema, workspaceConfigSchema } from '../../shared/config.ts';

describe('workspace config', () => {
  it('needs nothing', () => {
    expect(workspaceConfigSchema.parse({})).toEqual({
      defaults: { runner: 'base' },
      source: { dirty: 'refuse', links: [], untracked: 'warn', submodules: false },
      artifacts: {
        watch_directories: ['out'],
        ignore_patterns: ['*.tmp', '*.log', '__pycache__', '.git'],
        max_file_size_mb: 1000,
      },
      resources: {},
      env: {},
      runners: {},
      layers: {},
      plugins: {},
      storage: {},
      jobs: {},
    });
  });

  it('turns times into milliseconds and environment values into texts', () => {
    const config = workspaceConfigSchema.parse({
      resources: { gpus: 2, time: '4h', gpu_type: 'a100' },
      env: { A: 1, B: true, C: 'x' },
    });
    expect(config.resources).toEqual({ gpus: 2, timeMs: 14_400_000, gpuType: 'a100' });
    expect(config.env).toEqual({ A: '1', B: 'true', C: 'x' });
  });

  it('takes the template of a layer from template or type, and the rest as its values', () => {
    const { layers } = workspaceConfigSchema.parse({
      layers: { a: { template: 'ssh', host: 'h' }, b: { type: 'nice' }, c: {} },
    });
    expect(layers).toEqual({
      a: { template: 'ssh', values: { host: 'h' } },
      b: { template: 'nice', values: {} },
      c: { template: null, values: {} },
    });
    expect(workspaceConfigSchema.safeParse({ layers: { a: { template: 'x', type: 'y' } } }).success).toBe(
      false,
    );
  });

  it('tidies paths', () => {
    const { source, artifacts } = workspaceConfigSchema.parse({
      source: { links: ['./data/', 'a//b'] },
      artifacts: { watch_directories: ['./', 'out/'] },
    });
    expect(source.links).toEqual(['data', 'a/b']);
    expect(artifacts.watch_directories).toEqual(['.', 'out']);
  });

  it.each([
    { source: { links: ['/etc'] } },
    { source: { links: ['../other'] } },
    { source: { links: ['a/../../b'] } },
    { source: { links: ['.'] } },
    { source: { links: ['.git/hooks'] } },
    { source: { links: ['a\0b'] } },
    { artifacts: { watch_directories: ['..'] } },
    { artifacts: { max_file_size_mb: 0 } },
    { resources: { time: 30 } },
    { resources: { time: '0s' } },
    { resources: { gpus: 1.5 } },
    { env: { QWEX_RUN_ID: 'x' } },
    { env: { 'A B': 'x' } },
    { runners: { '../x': { layers: [] } } },
    { jobs: { a: { command: [] } } },
    { jobs: { a: {} } },
    { unknown: 1 },
  ])('refuses %j', (config) => {
    expect(workspaceConfigSchema.safeParse(config).success).toBe(false);
  });
});

describe('user config', () => {
  it('has defaults', () => {
    expect(userConfigSchema.parse({})).toEqual({ slots: 1, grace: 10_000 });
  });
  it.each([{ slots: 0 }, { slots: 'two' }, { grace: 10 }, { box: 'relative/path' }, { http: {} }])(
    'refuses %j',
    (config) => {
      expect(userConfigSchema.safeParse(config).success).toBe(false);
    },
  );
});
