#!/usr/bin/env node
// The door of the published command. It imports nothing up front, since what an old Node cannot load would end the
// process with 1, which means NO-GO; whatever keeps Greenlight from starting is inconclusive, 2.
process.exitCode = 2

const oldest: readonly [number, number] = [22, 22]
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
  process.stderr.write(
    `\n  ✗ Greenlight needs Node ${oldest.join('.')} or newer, and this is ${process.version}. Install a newer one, or add it to this project: npm install --save-dev node@24 && npx greenlight …\n    (usage.invalid; no verdict was reached, exit code 2)\n`,
  )
} else {
  try {
    await import('./cli.ts')
  } catch (error) {
    process.stderr.write(
      `\n  ✗ Greenlight could not be loaded; no verdict was reached, exit code 2. Install its packages anew (npm ci), and report this if it stays:\n${error instanceof Error ? error.stack : error}\n`,
    )
    process.exit(2)
  }
}

export {}
