import { defineConfig } from 'vitest/config'
import { suiteAlias, suiteDefaults } from './harness/suites/run.ts'

// In this checkout the suites run against the reference app, unless told otherwise.
process.env.GREENLIGHT_CONFIG ??= 'fixtures/planner/greenlight.config.ts'

const side = (name: 'before' | 'after') => ({
  resolve: { alias: suiteAlias },
  test: {
    name,
    ...suiteDefaults,
    include: ['suites/**/*.suite.ts'],
    globalSetup: ['harness/standalone-suites.ts'],
    pool: 'threads' as const,
  },
})

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'harness',
          include: ['{harness,reports,fixtures}/**/*.test.ts'],
          benchmark: { include: ['{harness,reports}/**/*.bench.ts'] },
          testTimeout: 180_000,
          hookTimeout: 240_000,
        },
      },
      side('before'),
      side('after'),
    ],
  },
})
