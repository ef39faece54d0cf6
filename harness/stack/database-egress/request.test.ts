import { describe, expect, test } from 'vitest'
import { makeKeys } from '../keys.ts'
import { withKeysOfStack } from './keys-of-request.ts'
import { makerOf, targetOf } from './request.ts'

const stack = 'http://127.0.0.1:4000'

test.each([
  ['https://abcdefghij.supabase.co/functions/v1/notify?x=1', { own: '/functions/v1/notify?x=1' }],
  ['https://abcdefghij.functions.supabase.co/notify', { own: '/functions/v1/notify' }],
  ['http://127.0.0.1:4000/functions/v1/notify', { own: '/functions/v1/notify' }],
  ['http://kong:8000/rest/v1/rpc/x', { own: '/rest/v1/rpc/x' }],
  ['https://abcdefghij.supabase.co/storage/v1/object/x', { host: 'abcdefghij.supabase.co' }],
  ['https://supabase.co.example.com/functions/v1/notify', { host: 'supabase.co.example.com' }],
  ['https://abcdefghij.supabase.co.example.com/functions/v1/x', { host: 'abcdefghij.supabase.co.example.com' }],
  ['https://hooks.example.com/T0/B0/secret?mail=a@example.com', { host: 'hooks.example.com' }],
  ['http://127.0.0.1:4001/functions/v1/notify', { host: '127.0.0.1' }],
  ['not a url', { host: 'an address that is none' }],
])('%s goes to %j', (url, target) => {
  expect(targetOf(url, stack)).toEqual(target)
})

describe('who made a request', () => {
  test('is the innermost function that is not pg_net’s, with its line', () => {
    const made_by = [
      'PL/pgSQL function net._note_request() line 3 at GET DIAGNOSTICS',
      'SQL function "http_post" statement 1',
      `SQL statement "SELECT net.http_post('https://x.test', '{"mail": "a@example.com"}')"`,
      'PL/pgSQL function app.tell(uuid,text) line 7 at PERFORM',
      'PL/pgSQL function app.on_change() line 2 at PERFORM',
    ].join('\n')
    expect(makerOf({ made_by, hook: null })).toEqual({ name: 'function app.tell', line: 7 })
    expect(makerOf({ made_by, hook: 'orders on public.orders' })).toEqual({ name: 'trigger orders on public.orders' })
  })

  test('is a statement where no function is behind it', () => {
    expect(makerOf({ made_by: 'SQL function "http_get" statement 1', hook: null })).toEqual({ name: 'a statement' })
    expect(makerOf({ made_by: 'SQL function "ping" statement 1', hook: null })).toEqual({ name: 'function ping' })
  })
})

test('keys of production are exchanged for the stack’s of the same role; tokens of users and other headers are not', async () => {
  const [keys, production] = await Promise.all([makeKeys(), makeKeys()])
  const user = `${Buffer.from('{"alg":"HS256"}').toString('base64url')}.${Buffer.from('{"sub":"1","role":"authenticated"}').toString('base64url')}.x`
  const headers = withKeysOfStack(
    {
      Authorization: `Bearer ${production.serviceKey}`,
      apikey: production.publishableKey,
      'X-Key': production.anonKey,
      n: 1,
    },
    keys,
  )
  expect(Object.fromEntries(headers)).toEqual({
    authorization: `Bearer ${keys.serviceKey}`,
    apikey: keys.publishableKey,
    'x-key': production.anonKey,
  })
  expect(withKeysOfStack({ authorization: `Bearer ${user}` }, keys).get('authorization')).toBe(`Bearer ${user}`)
})
