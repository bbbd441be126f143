import { defineConfig } from 'vitest/config'
import LongestFirst from './test/longest-first.ts'

// unit: no network, no root, no engine. node: real nodes of their own. e2e: a real lab. torture: hours of a real lab, only
// when it is asked for (scripts/torture.mjs).
const torture = process.env['LAB_TORTURE'] !== undefined
export default defineConfig({
  test: {
    // All processors: by default one stays free, which on two of them halves the speed.
    maxWorkers: '100%',
    reporters: ['default', './test/closing-line.ts'],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          // Nothing here changes what the next file sees, and loading everything anew for each takes most of the time.
          isolate: false,
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.node.test.ts', 'test/e2e/**'],
          sequence: { groupOrder: 0 },
          // Some run the compiler, which takes seconds on a busy machine.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'node',
          include: ['test/**/*.node.test.ts'],
          globalSetup: ['test/prepare-host.ts'],
          sequence: { groupOrder: 1 },
          // Each file has nodes of its own, and mostly waits for them.
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/e2e/global-setup.ts'],
          sequence: { groupOrder: 2 },
          // Each of these has a lab of its own; one that was given is not shared.
          maxWorkers: process.env['LAB_E2E_DIRECTORY'] === undefined ? 2 : 1,
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
      ...(torture
        ? [
            {
              test: {
                name: 'torture',
                include: ['test/torture/**/*.torture.ts'],
                globalSetup: ['test/e2e/global-setup.ts'],
                maxWorkers: 1,
                testTimeout: 12 * 3_600_000,
                hookTimeout: 600_000,
              },
            },
          ]
        : []),
    ],
  },
})
