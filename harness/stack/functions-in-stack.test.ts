import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Cluster } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import type { Stack } from '../model/stack.ts'
import { preparePlatformSchemas } from '../platform/prepare.ts'
import { startStack } from './stack.ts'

const functions = fileURLToPath(new URL('../../fixtures/stack/functions', import.meta.url))

let cluster: Cluster
let stack: Stack

beforeAll(async () => {
  cluster = await startTestCluster()
  const database = await cluster.createDatabase('direct')
  await preparePlatformSchemas(database)
  stack = await startStack(database, {
    functions,
    mailAccount: { rateLimit: 0 },
    mailWebhook: { function: 'hook', secretEnv: 'RESEND_WEBHOOK_SECRET' },
  })
})
afterAll(async () => {
  await stack?.stop()
  await cluster?.stop()
})

const asService = () => ({ authorization: `Bearer ${stack.serviceKey}` })

function call(name: string, body: object = {}): Promise<Response> {
  const init = { method: 'POST', headers: asService(), body: JSON.stringify(body) }
  return fetch(`${stack.url}/functions/v1/${name}`, init)
}

test('a function reaches its own database by SUPABASE_DB_URL, and that is no way out', async () => {
  expect(await (await call('direct')).json()).toEqual({ database: 'direct', user: 'postgres' })
  expect(stack.egress()).toEqual([])
})

test('the function that wants webhooks of Resend gets the events of a mail, signed with the secret that it is given', async () => {
  expect((await call('mail', { to: 'bounced@resend.dev' })).status).toBe(200)
  const tried = async () => (await fetch(`${stack.url}/mailbox/webhooks`, { headers: asService() })).json()
  await expect.poll(tried, { timeout: 20_000 }).toMatchObject([
    { type: 'email.sent', status: 200 },
    { type: 'email.bounced', status: 200 },
  ])
  const lines = stack.logs().filter((line) => line.source === 'function' && line.function === 'hook')
  expect(lines.map(({ line }) => line)).toEqual(['email.sent', 'email.bounced'])
})
