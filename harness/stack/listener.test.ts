import { Agent, request } from 'node:http'
import { expect, test } from 'vitest'
import { listen } from './listener.ts'

test('a connection that a client keeps is never closed for being idle, so no request is lost to that', async () => {
  const listener = await listen(() => () => new Response('here'))
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = () =>
    new Promise<unknown>((resolve, reject) => {
      request({ agent, host: '127.0.0.1', port: listener.port }, (answer) => {
        answer.resume().once('end', () => resolve(answer.headers['keep-alive']))
      })
        .once('error', reject)
        .end()
    })
  try {
    // Node tells in this header after how many seconds it closes one.
    expect(await ask()).toBeUndefined()
    expect(await ask()).toBeUndefined()
  } finally {
    agent.destroy()
    await listener.close()
  }
})
