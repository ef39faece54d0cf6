import { expect, test } from 'vitest'
import { planTasks } from '../dependencies.ts'
import type { Section, TocEntry } from '../dump.ts'
import { runTasks } from './schedule.ts'

const entry = (id: number, type: string, section: Section, dependencies: readonly number[] = []): TocEntry => ({
  id,
  type,
  name: `n${id}`,
  section,
  owner: '',
  definition: '',
  dropStatement: '',
  copyStatement: '',
  dependencies,
})

// Tables 1 and 2 (made before), their rows 11 and 12, and what is built on them.
const entries = [
  entry(11, 'TABLE DATA', 'data', [1]),
  entry(12, 'TABLE DATA', 'data', [2]),
  entry(21, 'CONSTRAINT', 'post-data', [1]),
  entry(22, 'INDEX', 'post-data', [1]),
  entry(23, 'INDEX', 'post-data', [1]),
  entry(24, 'CONSTRAINT', 'post-data', [2]),
  entry(31, 'FK CONSTRAINT', 'post-data', [1, 2, 21]),
]
const data = { bytes: (id: number) => ({ 11: 2e6, 12: 3e6 })[id] ?? 0 }
const noData = { bytes: () => 0 }

async function trace(workers: number, run: (id: number) => Promise<void> = () => Promise.resolve()): Promise<string[]> {
  const log: string[] = []
  await runTasks(
    planTasks(entries, data),
    Array.from({ length: workers }, (_, i) => i),
    async ({ entries: [{ id } = expect.fail()] }) => {
      log.push(`+${id}`)
      await new Promise((resolve) => setImmediate(resolve))
      await run(id)
      log.push(`-${id}`)
    },
  )
  return log
}

test('one worker goes by weight and waits for what each needs', async () => {
  const order = (await trace(1)).filter((line) => line.startsWith('+'))
  expect(order).toEqual(['+12', '+24', '+11', '+21', '+31', '+22', '+23'])
})

test('several workers never lock a table that another one works on', async () => {
  const log = await trace(4)
  expect(log.filter((line) => line.startsWith('-'))).toHaveLength(entries.length)
  const running = new Set<number>()
  for (const line of log) {
    const id = Number(line.slice(1))
    if (line.startsWith('-')) {
      running.delete(id)
      continue
    }
    // Indexes of one table may be built together; a constraint on it may not be added meanwhile.
    if (id === 21) expect(running.has(22) || running.has(23)).toBe(false)
    if (id === 22 || id === 23) expect(running.has(21)).toBe(false)
    if (id === 31) expect(running.size).toBe(0)
    running.add(id)
  }
  expect(log.indexOf('+31')).toBeGreaterThan(log.indexOf('-12'))
})

test('what is built on a small table is one task, and so are the foreign keys of small tables', () => {
  const tasks = planTasks([...entries, entry(32, 'FK CONSTRAINT', 'post-data', [1, 2, 24])], noData)
  expect(tasks.map((task) => task.entries.map(({ id }) => id)).toSorted()).toEqual([
    [11],
    [12],
    [21, 22, 23],
    [24],
    [31, 32],
  ])
  expect(tasks.find((task) => task.entries.length === 3)?.needs).toEqual(new Set([11]))
})

test('a circle of dependencies is cut', async () => {
  const circle = [entry(1, 'INDEX', 'post-data', [2]), entry(2, 'INDEX', 'post-data', [1])]
  const done: number[] = []
  await runTasks(
    planTasks(circle, noData),
    [0, 1],
    async ({ entries }) => void done.push(...entries.map(({ id }) => id)),
  )
  expect(done).toEqual([1, 2])
})

test('what a task throws stops the rest, and is thrown once all workers rest', async () => {
  const started: number[] = []
  const work = trace(1, async (id) => {
    started.push(id)
    if (id === 24) throw new Error('disk full')
  })
  await expect(work).rejects.toThrow('disk full')
  expect(started).toEqual([12, 24])
})
