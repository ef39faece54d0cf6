import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askAll } from './api-stage.ts'

const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
  ours: (response) => send(response, 502, { code: 'stack.failed', message: 'The part behind it broke off' }),
  notStarted: (response) => send(response, 503, { code: 'stack.start-failed', message: 'The Data API did not start' }),
  cutOff: (response) => response.destroy(),
  theirs: (response) => send(response, 503, { code: 'PGRST002', message: 'Could not query the database' }),
  refused: (response) => send(response, 403, { code: '42501', message: 'permission denied' }),
  rows: (response) => send(response, 200, [{ id: 1 }]),
}
const send = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

const server = createServer((request, response) => answers[request.url?.match(/v1\/(\w+)/)?.[1] ?? '']?.(response))
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(() => server.close())

function read(table: string) {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const anon = { label: 'anon', kind: 'anon', role: 'anon', claims: { role: 'anon' } }
  return askAll(
    { url, anonKey: 'a', serviceKey: 's', jwtSecret: 'j'.repeat(32) },
    { reads: [{ name: table, table, as: ['anon'] }], identities: [anon] },
  )
}

test.each([
  ['ours', /no answer to \/rest\/v1\/ours: The part behind it broke off/],
  ['notStarted', /The Data API did not start/],
  ['cutOff', /no answer to \/rest\/v1\/cutOff: fetch failed/],
])('what is no answer of the app’s ends the look and is no changed read: %s', async (table, message) => {
  await expect(read(table)).rejects.toMatchObject({
    code: 'stack.start-failed',
    message: expect.stringMatching(message),
  })
})

test.each([
  ['theirs', { type: 'error', code: 'PGRST002' }],
  ['refused', { type: 'error', code: '42501' }],
  ['rows', { type: 'rows', rows: [{ id: 1 }], full: false }],
])('what the app’s own API says is its answer: %s', async (table, answer) => {
  expect((await read(table)).map((one) => one.answer)).toEqual([answer])
})
