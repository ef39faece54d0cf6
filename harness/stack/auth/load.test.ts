import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { loadServer } from './load.ts'

test('what earns a warning is warned of, and goes on, once the Auth server is loaded', async () => {
  const { emitWarning } = process
  await Promise.all([loadServer(), loadServer()])
  expect(process.emitWarning).toBe(emitWarning)
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
  const emitter = new EventEmitter()
  for (let listener = 0; listener <= 10; listener++) emitter.on('close', () => listener)
  expect(emitter.listenerCount('close')).toBe(11)
  expect((await warned).name).toBe('MaxListenersExceededWarning')
})
