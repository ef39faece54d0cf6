import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startGuarded } from './guarded-process.ts'

const posix = process.platform !== 'win32'

function sleeper() {
  const lines: string[] = []
  const program = startGuarded('/bin/sh', ['-c', 'echo started; echo "$WORD" >&2; exec sleep 600'], {
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', WORD: 'from the environment' },
    onLine: (line) => lines.push(line),
  })
  return { program, lines }
}

/** Whether any process of a group runs, the watcher too. One that has ended and waits to be collected does not. */
function groupRuns(group: number): boolean {
  return processes().some(({ pgid, state }) => pgid === group && !state.startsWith('Z'))
}

function processes(): { pgid: number; state: string }[] {
  if (process.platform !== 'linux') {
    const { stdout } = spawnSync('ps', ['-A', '-o', 'pgid=,stat='], { encoding: 'utf8' })
    return stdout.split('\n').map((line) => {
      const [pgid, state = 'Z'] = line.trim().split(/\s+/)
      return { pgid: Number(pgid), state }
    })
  }
  return readdirSync('/proc').flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const [state = 'Z', , pgid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return [{ pgid: Number(pgid), state }]
    } catch {
      return []
    }
  })
}

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition() && waited < 10_000; waited += 10)
    await new Promise((resolve) => setTimeout(resolve, 10))
  expect(condition()).toBe(true)
}

test.skipIf(!posix)('stopping ends the program and its watcher, and says so once', async () => {
  const { program, lines } = sleeper()
  await until(() => lines.length === 2)
  expect(lines.sort()).toEqual(['from the environment', 'started'])
  expect(program.running()).toBe(true)
  await Promise.all([program.stop(), program.stop()])
  expect(program.running()).toBe(false)
  expect(await program.exited).toContain('SIGKILL')
  await until(() => !groupRuns(program.child.pid ?? 0))
})

test.skipIf(!posix)('a program that ends by itself leaves no watcher behind', async () => {
  const program = startGuarded('/bin/sh', ['-c', 'exit 3'], {
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    onLine: () => {},
  })
  expect(await program.exited).toBe('it ended with exit code 3')
  await until(() => !groupRuns(program.child.pid ?? 0))
})

test.skipIf(!posix)('a program that cannot be found is told as such', async () => {
  const lines: string[] = []
  const program = startGuarded('/no/such/program', [], { cwd: '/', env: {}, onLine: (line) => lines.push(line) })
  expect(await program.exited).toContain('127')
})

test.skipIf(!posix)('a program does not outlive a harness that is killed with SIGKILL', async () => {
  const module = fileURLToPath(new URL('./guarded-process.ts', import.meta.url))
  const script = `
    import { startGuarded } from ${JSON.stringify(module)}
    const program = startGuarded('/bin/sh', ['-c', 'exec sleep 600'], { cwd: '/', env: { PATH: '/usr/bin:/bin' }, onLine: () => {} })
    console.log(program.child.pid)`
  const harness = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output] = await once(harness.stdout, 'data')
  const pid = Number(String(output))
  expect(groupRuns(pid)).toBe(true)
  harness.kill('SIGKILL')
  await until(() => !groupRuns(pid))
})

test.skipIf(!posix)('any number of programs is one thing to do when this process ends', async () => {
  const before = process.listenerCount('exit')
  const programs = Array.from({ length: 12 }, () => sleeper().program)
  expect(process.listenerCount('exit')).toBeLessThanOrEqual(before + 1)
  await Promise.all(programs.map((program) => program.stop()))
  expect(programs.filter((program) => program.running())).toEqual([])
})
