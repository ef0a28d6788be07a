import { defineConfig } from 'vitest/config';

// unit: in one process, seconds. system: one part with real processes, repositories and accounts. e2e: the built CLI
// against a real daemon, chaos included.
// real: servers of other people's making (sshd, Slurm, containers), started by the tests.
// alone: what measures by the clock whether something was idle, after all others.
// One kind after the other, each with as many workers as it bears: vitest wants an order where these differ.
const ALONE = ['test/chaos/box/box-chaos.test.ts'];
const E2E = {
  globalSetup: ['test/rig/global-setup.ts'],
  testTimeout: 60_000,
  hookTimeout: 60_000,
};
const SYSTEM = [
  'test/daemon/{artifacts,box,spaces,starter,supervisor}/**/*.test.ts',
  'test/daemon/rundir/lost-index.test.ts',
  'test/daemon/compiler/argv.test.ts',
  'test/daemon/scheduler/joined-box.test.ts',
  'test/cli/box.test.ts',
];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/{shared,daemon,cli}/**/*.test.ts'],
          exclude: SYSTEM,
          testTimeout: 20_000,
          // They share nothing but modules: a process for each file would take longer than its tests.
          isolate: false,
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'system',
          include: SYSTEM,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/{e2e,chaos,fuzz,real}/**/*.test.ts'],
          exclude: ALONE,
          ...E2E,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      { test: { name: 'alone', include: ALONE, ...E2E, maxWorkers: 1, sequence: { groupOrder: 3 } } },
    ],
  },
});
