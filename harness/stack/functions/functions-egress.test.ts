import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestFunctions, type TestFunctions } from './test-functions.ts'

let started: TestFunctions
/** What listeners besides the stack were reached by. */
const arrived: string[] = []
const strangers: Server[] = []
let otherAddress: string
let otherPort: string

async function stranger(host: string): Promise<string> {
  const server = createServer((socket) => {
    arrived.push(host)
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  })
  strangers.push(server.listen(0, host))
  await once(server, 'listening')
  const address = server.address()
  return `${host}:${typeof address === 'object' && address !== null ? address.port : 0}`
}

beforeAll(async () => {
  // The whole of 127.0.0.0/8 is the machine itself on Linux; elsewhere another port has to do.
  otherAddress = await stranger(process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1')
  otherPort = await stranger('127.0.0.1')
  started = await startTestFunctions()
})
afterAll(async () => {
  await started[Symbol.asyncDispose]()
  for (const server of strangers) server.close()
})

/** The places that were tried by one call, `<host> <line's way>`, and what the function saw. */
async function attempt(ways: Record<string, string>) {
  const before = started.functions.egress().length
  const outcomes = await (await started.call('stranger', ways)).json()
  return { outcomes, attempts: started.functions.egress().slice(before) }
}

test.each(['fetch', 'tcp', 'tls', 'net', 'http', 'websocket', 'client'])(
  'by %s nothing arrives at another address or port of the machine, and both are told with their line',
  async (way) => {
    for (const to of [otherAddress, otherPort]) {
      const { outcomes, attempts } = await attempt({ [way]: to })
      expect(outcomes).toEqual({ [way]: 'refused' })
      expect(attempts.map(({ host, where }) => [host, where])).toEqual([
        [to.split(':')[0], expect.stringMatching(/^stranger\/index\.ts:\d+$/)],
      ])
    }
    expect(arrived).toEqual([])
  },
)

test('by a module that is required, and asks as soon as it is loaded, is told with its line', async () => {
  const { outcomes, attempts } = await attempt({ required: otherAddress })
  expect(outcomes).toEqual({ required: 'refused' })
  expect(attempts.map(({ host, where }) => [host, where])).toEqual([
    [otherAddress.split(':')[0], 'stranger/loud.mjs:2'],
  ])
  expect(arrived).toEqual([])
})

test('by a name that leads to the machine, or at its address in a network, nothing arrives either', async () => {
  const [, port] = (await stranger('0.0.0.0')).split(':')
  const outer = Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.flatMap(({ family, internal, address }) => (family === 'IPv4' && !internal ? [address] : [])),
  )
  const tried: string[] = []
  for (const name of ['localhost', hostname(), ...outer]) {
    // Not every machine knows its own name.
    const reached = await fetch(`http://${name}:${port}/`).catch(() => undefined)
    arrived.length = 0
    if (reached === undefined) continue
    tried.push(name)
    for (const way of ['fetch', 'tcp', 'net']) {
      const { outcomes, attempts } = await attempt({ [way]: `${name}:${port}` })
      expect([outcomes, attempts.map(({ host }) => host)]).toEqual([{ [way]: 'refused' }, [name]])
    }
    expect(arrived).toEqual([])
  }
  expect(tried).toContain('localhost')
})

test.each([
  ['fetch', 'tracker.example.com', 'tracker.example.com'],
  ['tcp', 'smtp.example.net:587', 'smtp.example.net'],
  ['tls', 'smtp.example.net:465', 'smtp.example.net'],
  ['dns', 'leak.example.org', 'leak.example.org'],
  ['lookup', 'leak2.example.org', 'leak2.example.org'],
  ['resolve4', 'leak3.example.org', 'a name server'],
  ['import', 'code.example.org', 'code.example.org'],
  ['listen', '127.0.0.3', '127.0.0.3'],
  ['program', '/usr/bin/curl', 'a program'],
  ['exec', 'curl https://example.com', 'a program'],
  ['library', '/lib/x.so', 'a native library'],
  ['read', '/etc/passwd', 'a file of the machine'],
])('%s to %s is refused and told as an attempt to reach %s', async (way, to, host) => {
  const { outcomes, attempts } = await attempt({ [way]: to })
  expect(outcomes).toEqual({ [way]: 'refused' })
  expect(attempts).toEqual([
    {
      function: 'stranger',
      host,
      ...(way === 'import' ? {} : { where: expect.stringMatching(/^stranger\/index\.ts:\d+$/) }),
      detail: expect.stringContaining('the attempt was refused.'),
    },
  ])
})

test('a proxy in the environment leads nowhere: a function cannot set one', async () => {
  const { outcomes, attempts } = await attempt({ proxy: otherAddress })
  expect([outcomes, attempts, arrived]).toEqual([{ proxy: 'done' }, [], []])
})

test('a redirect of the stack to another host is not followed', async () => {
  const { outcomes, attempts } = await attempt({
    redirect: `${started.url}/functions/v1/keys?to=http://${otherAddress}/`,
  })
  expect([outcomes, attempts.map(({ host }) => host), arrived]).toEqual([
    { redirect: 'refused' },
    [otherAddress.split(':')[0]],
    [],
  ])
})

test('the lines named are those of the source', () => {
  const lines = started.functions.egress().flatMap(({ host, where }) => (host === 'leak.example.org' ? [where] : []))
  const source = readFileSync(new URL('../../../fixtures/stack/functions/stranger/index.ts', import.meta.url), 'utf8')
  const line = source.split('\n').findIndex((text) => text.includes('Deno.resolveDns(')) + 1
  expect(lines).toEqual([`stranger/index.ts:${line}`])
})

test('the attempts of processes that broke down are not lost', async () => {
  await started.call('limits', { what: 'stray' })
  await started.call('stranger', { datagram: '192.0.2.1' })
  const told = started.functions.egress().map(({ host, where }) => `${host} ${where}`)
  expect(told).toContain('stray.example.org limits/index.ts:17')
  expect(told).toContainEqual(expect.stringMatching(/^192\.0\.2\.1 stranger\/index\.ts:\d+$/))
})
