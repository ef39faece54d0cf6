import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { sweepAbandoned } from '../database/embedded/workspace.ts'
import { stackFolder } from './folder.ts'

const module = JSON.stringify(fileURLToPath(new URL('./folder.ts', import.meta.url)))

/** The path that a process of its own made, which then ended as `ending` says. */
function madeBy(ending: string): string {
  const script = `import { stackFolder } from ${module}; console.log(await stackFolder().make('rest')); ${ending}`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  return dirname(stdout.trim())
}

test('folders are private, and go away with the stack', async () => {
  const folder = stackFolder()
  const [first, second] = await Promise.all([folder.make('rest'), folder.make('function')])
  expect(dirname(first)).toBe(dirname(second))
  expect(statSync(dirname(first)).mode & 0o777).toBe(0o700)
  await folder.remove()
  expect(existsSync(dirname(first))).toBe(false)
})

test('a process that ends without stopping its stack leaves no folder', () => {
  const path = madeBy('process.exit(1)')
  expect(path).toContain('greenlight-')
  expect(existsSync(path)).toBe(false)
})

test('what a killed process left is swept at the next start', async () => {
  const path = madeBy(`process.kill(process.pid, 'SIGKILL')`)
  expect(existsSync(path)).toBe(true)
  await sweepAbandoned()
  expect(existsSync(path)).toBe(false)
})
