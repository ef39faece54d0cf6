import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestFunctions, type TestFunctions } from './test-functions.ts'

const serve = 'Deno.serve(() => new Response())'
const sources: Record<string, string> = {
  circle: `import { later } from './other.ts'\nexport const first = 1\nDeno.serve(() => new Response(String(later())))`,
  remote: `import { x } from 'https://nowhere.invalid/x/mod.ts'\n${serve}`,
  package: `import { x } from 'npm:@nowhere-invalid/no-such-package@1'\n${serve}`,
  syntax: `const = 1\n${serve}`,
  silent: `export const nothing = 1`,
  throwing: `throw new Error('ada@example.com is not welcome')`,
  bare: `import { x } from 'somewhere'\n${serve}`,
  lazy: `Deno.serve(async () => Response.json(await import('https://nowhere.invalid/late.ts')))`,
}
let folder: string
let started: TestFunctions
let messages: string[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'greenlight-test-'))
  for (const [name, source] of Object.entries(sources)) {
    await mkdir(join(folder, 'functions', name), { recursive: true })
    await writeFile(join(folder, 'functions', name, 'index.ts'), source)
  }
  await writeFile(
    join(folder, 'functions/circle/other.ts'),
    `import { first } from './index.ts'\nexport const later = () => first`,
  )
  started = await startTestFunctions({ folder: join(folder, 'functions') })
  messages = (await started.functions.load()).map(({ message }) => message.split(' Deno says:')[0] ?? '')
}, 60_000)
afterAll(async () => {
  await started[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const messageOf = (name: string) => messages.find((message) => message.startsWith(`The edge function ${name} `))

test('functions that load are none of those that do not; a circle of imports is no reason', () => {
  expect(started.functions.called()).toEqual([])
  expect(messages.map((message) => message.split(' ')[3]).sort()).toEqual(
    ['bare', 'package', 'remote', 'silent', 'syntax', 'throwing'].sort(),
  )
})

test('what cannot be had is named, with what to do', () => {
  expect(messageOf('remote')).toContain('The import https://nowhere.invalid/x/mod.ts cannot be had here')
  expect(messageOf('package')).toContain('The import @nowhere-invalid/no-such-package cannot be had here')
  expect(messageOf('bare')).toContain('"somewhere"')
})

test('a mistake in the source is named; what the function itself says is not in the sentence', () => {
  expect(messageOf('syntax')).toMatch(/syntax\/index\.ts:1/)
  expect(messageOf('throwing')).toMatch(/ended with exit code 1/)
  expect(messageOf('silent')).toMatch(/ended with exit code 0|does not serve/)
  expect(messages.join('\n')).not.toContain('ada@')
})

test('an import at run time is refused, and is an attempt to reach its host', async () => {
  expect((await started.call('lazy')).status).toBe(500)
  expect(started.functions.egress().map(({ function: name, host }) => [name, host])).toContainEqual([
    'lazy',
    'nowhere.invalid',
  ])
})
