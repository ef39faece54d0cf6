import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'harness',
          include: ['{harness,reports,fixtures}/**/*.test.ts'],
          benchmark: { include: ['{harness,reports}/**/*.bench.ts'] },
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
