import { expect, test } from 'vitest'
import type { Database } from '../database/engine.ts'
import { HarnessError } from '../errors.ts'
import type { Stack, StackLog } from '../model/stack.ts'
import { type FailedTest, type OpenedStack, startControl } from './control.ts'
import { sayFailed } from './failed-test.ts'

test('a failed test comes with what its stack wrote meanwhile, by call', () => {
  const text = sayFailed({
    name: 'mails go out',
    side: 'after',
    lines: [
      { source: 'function', at: 1, function: 'mail', call: 'mail#2', level: 'error', line: 'no key' },
      { source: 'function', at: 2, function: 'mail', level: 'log', line: 'loaded' },
      { source: 'auth', at: 3, line: 'Auth failed' },
    ],
  })
  expect(text.split('\n').slice(1, -2)).toEqual([
    '  While "mails go out" ran on after, its stack wrote:',
    '    mail#2 error: no key',
    '    mail: loaded',
    '    auth: Auth failed',
  ])
})

test('many lines are cut, none are said by nothing', () => {
  const lines = Array.from({ length: 100 }, (_, at) => ({ source: 'auth' as const, at, line: `${at}` }))
  expect(sayFailed({ name: 'x', side: 'before', lines })).toContain('(the last 60 of 100 lines)')
  expect(sayFailed({ name: 'x', side: 'before', lines: [] })).toBe('')
})

test('the control tells of a failed test with the lines and what broke off since it began, and of functions that do not load without their output', async () => {
  const logs: StackLog[] = [
    { source: 'function', at: 1, line: 'earlier' },
    { source: 'function', at: 5, line: 'meanwhile' },
  ]
  const failure = new HarnessError(
    'function.unloadable',
    'The edge function a does not load: x. Deno says:\n  ada@example.com',
  )
  const stack: Partial<Stack> = {
    functions: [],
    databaseUrl: { admin: '', owner: '' },
    logs: () => logs,
    egress: () => [{ function: 'a', host: 'x.test', detail: '' }],
    failures: () => [failure],
    breaks: () => [
      { at: 3, path: '/rest/v1/earlier', message: 'socket hang up' },
      { at: 4, path: '/rest/v1/meanwhile', message: 'socket hang up' },
    ],
    settled: async () => {},
    called: () => ['a'],
    [Symbol.asyncDispose]: async () => {},
  }
  const told: FailedTest[] = []
  const asked: unknown[] = []
  const failedTest = (name: string, since: number) => asked.push([name, since])
  // The parts that closing does not touch are left out.
  const opened = { ...stack, database: {} as Database, failedTest } as OpenedStack
  const control = await startControl(
    async () => opened,
    (failed) => told.push(failed),
  )
  const ask = (method: string, path: string, sent?: unknown) =>
    fetch(`${control.url}/stacks/${path}`, {
      method,
      headers: { authorization: `Bearer ${control.token}` },
      ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
    })
  await ask('POST', 'after')
  const answer = await ask('POST', 'after-1/failed', { name: 'mails go out', since: 4 })
  expect([answer.status, await answer.json()]).toEqual([200, { broken: ['/rest/v1/meanwhile: socket hang up'] }])
  await ask('DELETE', 'after-1')
  await control[Symbol.asyncDispose]()
  expect(asked).toEqual([['mails go out', 4]])
  expect(told).toEqual([{ name: 'mails go out', side: 'after', lines: [logs[1]] }])
  expect(control.failures()).toEqual(['The edge function a does not load: x.'])
  expect(control.egress()).toMatchObject([{ side: 'after', host: 'x.test' }])
})
