import { defineConfig } from 'vitest/config';

// unit: in-process and small real programs, seconds. e2e: the built CLI against a real daemon.
// real: servers of other people's making (sshd, Slurm, containers), started by the tests.
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/{shared,daemon,cli}/**/*.test.ts'], testTimeout: 20_000 } },
      {
        test: {
          name: 'e2e',
          include: ['test/{e2e,chaos,real}/**/*.test.ts'],
          globalSetup: ['test/rig/global-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
        },
      },
    ],
  },
});
