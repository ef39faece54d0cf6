import { expect, test } from 'vitest'
import { attemptsIn } from './egress.ts'

const context = { function: 'greet', root: '/app/functions', ports: [4000], readable: ['/cache'] }

function entry(permission: string, value: string | null, ...stack: string[]): string {
  return JSON.stringify({ v: 1, permission, value, stack })
}

const own = 'send (file:///app/functions/greet/send.ts:12:5)'
const packaged = 'post (file:///cache/npm/resend/index.js:40:2)'

test('attempts to leave the machine are listed once a place, with file and line, without paths', () => {
  const audit = [
    entry('net', '127.0.0.1:4000', own),
    entry('net', 'https://tracker.example.com/people/ada?token=x', 'fetch (ext:deno_fetch/26_fetch.js:2:1)', own),
    entry('net', 'tracker.example.com:443', own),
    entry('net', '127.0.0.1:6379'),
    entry('net', 'wss://live.example.org/', packaged, 'file:///app/functions/_shared/live.ts:3:1'),
    '{"v":1,"permis',
    'null',
  ].join('\n')
  expect(attemptsIn(audit, context)).toEqual([
    {
      function: 'greet',
      host: 'tracker.example.com',
      where: 'greet/send.ts:12',
      detail: 'greet tried to reach tracker.example.com:443 in greet/send.ts:12; the attempt was refused.',
    },
    { function: 'greet', host: '127.0.0.1', detail: 'greet tried to reach 127.0.0.1:6379; the attempt was refused.' },
    {
      function: 'greet',
      host: 'live.example.org',
      where: '_shared/live.ts:3',
      detail: 'greet tried to reach live.example.org:443 in _shared/live.ts:3; the attempt was refused.',
    },
  ])
})

test.each([
  ['ffi', '/lib/x.so', [own], 'a native library'],
  ['env', 'greenlight program ', [own], 'a program'],
  ['env', 'greenlight name mx.example.com', [own], 'mx.example.com'],
  ['env', null, ['spawn (ext:deno_node/child_process.ts:1:1)', own], 'a program'],
  ['import', 'https://code.example.com/x.ts', [own], 'code.example.com'],
  ['net', '10.0.0.2:53', ['op_dns_resolve (ext:core/00_infra.js:283:44)', own], 'a name server'],
  ['read', '/etc/passwd', [own], 'a file of the machine'],
  ['write', '/home/someone/x', [own], 'a file of the machine'],
])('%s of %j is an attempt', (permission, value, stack, host) => {
  expect(attemptsIn(entry(permission, value, ...stack), context).map((attempt) => attempt.host)).toEqual([host])
})

test.each([
  ['env', 'RESEND_API_KEY', [own]],
  ['env', null, ['Object.toObject (ext:deno_os/30_os.js:1:1)', own]],
  ['read', '/app/functions/greet/template.html', [own]],
  ['read', '/cache/npm/resend/index.js', [own]],
  ['read', '/tmp/scratch', [own]],
  ['read', '/root/.pgpass', [packaged, own]],
  ['read', '/app/node_modules/resend', ['Module._findPath (ext:deno_node/01_require.js:1:1)', own]],
  ['sys', 'hostname', [own]],
])('%s of %j is none', (permission, value, stack) => {
  expect(attemptsIn(entry(permission, value, ...stack), context)).toEqual([])
})
