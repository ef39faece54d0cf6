import { expect, test } from 'vitest'
import { lazyPart } from './lazy-part.ts'

function countedStarts() {
  const parts: { alive: boolean; stops: number }[] = []
  const part = lazyPart(async () => {
    const state = { alive: true, stops: 0 }
    parts.push(state)
    await new Promise((resolve) => setTimeout(resolve, 5))
    return {
      running: () => state.alive,
      stop: async () => {
        state.alive = false
        state.stops++
      },
    }
  })
  return { part, parts }
}

test('calls at one time share one start', async () => {
  const { part, parts } = countedStarts()
  const [first, second] = await Promise.all([part.get(), part.get()])
  expect(first).toBe(second)
  expect(parts).toHaveLength(1)
})

test('a part that has died is started anew', async () => {
  const { part, parts } = countedStarts()
  await part.get()
  for (const state of parts) state.alive = false
  expect((await part.get()).running()).toBe(true)
  expect(parts).toHaveLength(2)
})

test('a failed start is told to every caller and tried again by the next one', async () => {
  let attempts = 0
  const part = lazyPart(async () => {
    if (++attempts === 1) throw new Error('no room')
    return { running: () => true, stop: async () => {} }
  })
  const calls = await Promise.allSettled([part.get(), part.get()])
  expect(calls.map((call) => call.status)).toEqual(['rejected', 'rejected'])
  expect(attempts).toBe(1)
  expect((await part.get()).running()).toBe(true)
})

test('a part that is still starting when the stack stops is stopped too', async () => {
  const { part, parts } = countedStarts()
  const starting = part.get()
  await new Promise(setImmediate)
  await part.stop()
  await expect(starting).rejects.toThrow('stopped')
  expect(parts).toEqual([{ alive: false, stops: 1 }])
  await expect(part.get()).rejects.toThrow('stopped')
})
