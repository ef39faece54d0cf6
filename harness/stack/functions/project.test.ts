import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readFunctionsConfig } from './config-toml.ts'
import { discoverFunctions } from './discover.ts'
import { projectOf } from './project.ts'
import { readSecrets } from './secrets.ts'

let supabase: string
beforeEach(async () => {
  supabase = await mkdtemp(join(tmpdir(), 'greenlight-test-'))
})
afterEach(() => rm(supabase, { recursive: true }))

/** Files of a `supabase` folder, by path. */
async function write(files: Readonly<Record<string, string>>): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(supabase, path)), { recursive: true })
    await writeFile(join(supabase, path), text)
  }
  return join(supabase, 'functions')
}

async function importsOf(files: Readonly<Record<string, string>>, name = 'greet') {
  const folder = await write(files)
  const found = (await discoverFunctions(folder)).list.find((candidate) => candidate.name === name)
  if (found === undefined) throw new Error('no such function')
  return projectOf(found, folder)
}

describe('config.toml', () => {
  test('gives the settings of functions and their secrets, whatever else stands there', () => {
    const toml = `
[api]
enabled = false
[functions.greet]
verify_jwt = false # open
import_map = "./functions/greet/map.json"
static_files = ["./functions/greet/*.html"]
[functions."send-mail"]
enabled = false
entrypoint = ""
[functions]
inline = { verify_jwt = false }
[edge_runtime.secrets]
PLAIN = "value"
TAKEN = "env(THAT_ONE)"
[auth]
verify_jwt = true`
    const { functions, secrets } = readFunctionsConfig(toml.replace('[functions]\n', '[functions.x]\n'), 'config.toml')
    expect([...functions]).toEqual([
      ['greet', { verifyJwt: false, importMap: './functions/greet/map.json' }],
      ['send-mail', { enabled: false }],
      ['x', {}],
    ])
    expect([...secrets]).toEqual([
      ['PLAIN', { value: 'value' }],
      ['TAKEN', { variable: 'THAT_ONE' }],
    ])
  })

  test('that is no TOML is refused with the place, without the text around it', () => {
    const read = () => readFunctionsConfig('[edge_runtime.secrets]\nKEY = "hidden\n', 'supabase/config.toml')
    expect(read).toThrow(/^supabase\/config\.toml:2:\d+ cannot be read: /)
    expect(read).not.toThrow(/hidden/)
  })

  test('with settings of the wrong type is refused, all at once', () => {
    const toml = '[functions.a]\nverify_jwt = "no"\nentrypoint = 1\n[edge_runtime.secrets]\nKEY = 1'
    expect(() => readFunctionsConfig(toml, 'c.toml')).toThrow(
      'c.toml cannot be used: functions.a.verify_jwt must be a boolean; functions.a.entrypoint must be a string; edge_runtime.secrets.KEY must be a string.',
    )
  })
})

test('secrets come from config.toml, .env, .env.local and the config, the later one wins; names of the platform do not', async () => {
  const root = await write({
    'functions/.env':
      'A=env\nB=env\nC=env\nQUOTED="two\nlines"\nHTTPS_PROXY=http://127.0.0.2:1\nSUPABASE_URL=https://x.test',
    'functions/.env.local': 'B=local',
  })
  const { values, notes } = await readSecrets(
    root,
    new Map([
      ['A', { value: 'toml' }],
      ['ONLY', { value: 'toml' }],
      ['UNSET', { variable: 'GREENLIGHT_NOT_SET' }],
    ]),
    { C: 'config', RESEND_BASE_URL: 'https://api.resend.com', LD_PRELOAD: '/x.so' },
  )
  expect(values).toEqual({ A: 'env', B: 'local', C: 'config', ONLY: 'toml', QUOTED: 'two\nlines' })
  expect(notes).toEqual([
    'config.toml takes UNSET from GREENLIGHT_NOT_SET, which is not set here.',
    expect.stringMatching(/^HTTPS_PROXY was not passed/),
    expect.stringMatching(/^LD_PRELOAD was not passed/),
    expect.stringMatching(/^RESEND_BASE_URL was not passed/),
    expect.stringMatching(/^SUPABASE_URL was not passed/),
  ])
})

describe('a functions folder', () => {
  const serve = 'Deno.serve(() => new Response())'

  test('has one function for each folder with an entry; other folders are left alone and said where they look like one', async () => {
    const folder = await write({
      'functions/Greet/index.ts': serve,
      'functions/_shared/index.ts': serve,
      'functions/.cache/index.ts': serve,
      'functions/empty/readme.md': '',
      'functions/2fa/index.ts': serve,
      'functions/off/index.ts': serve,
      'functions/index.ts': serve,
      'config.toml': '[functions.off]\nenabled = false\n[functions.gone]\nverify_jwt = false',
    })
    const { list, notes } = await discoverFunctions(folder)
    expect(list.map(({ name, problem }) => [name, problem])).toEqual([['Greet', undefined]])
    expect(notes).toEqual([
      expect.stringMatching(/^The folder 2fa is no function/),
      'config.toml has settings for the function gone, which has no folder.',
    ])
  })

  test('that is a file is refused', async () => {
    const folder = await write({ functions: serve })
    await expect(discoverFunctions(folder)).rejects.toMatchObject({
      code: 'usage.invalid',
      message: expect.stringContaining('is a file'),
    })
  })

  test('may link to folders in it; a function that lies elsewhere cannot be loaded, and says so', async () => {
    const folder = await write({ 'functions/real/index.ts': serve, 'elsewhere/index.ts': serve })
    await symlink(join(folder, 'real'), join(folder, 'alias'))
    await symlink(join(supabase, 'elsewhere'), join(folder, 'stray'))
    const { list } = await discoverFunctions(folder)
    expect(list.map(({ name, problem }) => [name, problem?.split(';')[0]])).toEqual([
      ['alias', undefined],
      ['real', undefined],
      ['stray', 'its entrypoint functions/stray/index.ts lies outside the functions folder'],
    ])
  })

  test('takes entrypoints from config.toml, in the folder only', async () => {
    const folder = await write({
      'functions/a/main.ts': serve,
      'functions/b/index.ts': serve,
      'functions/c/index.ts': serve,
      'outside.ts': serve,
      'config.toml':
        '[functions.a]\nentrypoint = "./functions/a/main.ts"\n[functions.b]\nentrypoint = "./outside.ts"\n[functions.c]\nentrypoint = "./functions/c/gone.ts"',
    })
    const { list } = await discoverFunctions(folder)
    expect(list.map(({ problem }) => problem?.split(';')[0])).toEqual([
      undefined,
      'its entrypoint outside.ts lies outside the functions folder',
      'its entrypoint functions/c/gone.ts does not exist',
    ])
  })
})

describe('the import map of a function', () => {
  test('is its own deno.json, then that of a workspace it belongs to, then its package.json', async () => {
    const { importMap, settings } = await importsOf({
      'functions/deno.json': '{ "workspace": ["./greet"], "imports": { "a": "npm:a@1", "b": "npm:b@1" } }',
      'functions/greet/deno.jsonc':
        '{ /* nearer */ "imports": { "a": "npm:a@2" }, "compilerOptions": { "jsx": "react-jsx" }, }',
      'functions/greet/package.json': '{ "dependencies": { "c": "^3.0.0", "d": "file:../d" } }',
      'functions/greet/index.tsx': '',
    })
    expect(importMap.imports).toMatchObject({ a: 'npm:a@2', b: 'npm:b@1', c: 'npm:c@^3.0.0' })
    expect(Object.keys(importMap.imports)).not.toContain('d')
    expect(settings).toEqual({ compilerOptions: { jsx: 'react-jsx' } })
  })

  test('is the one that config.toml or deno.json names', async () => {
    const { importMap } = await importsOf({
      'config.toml': '[functions.greet]\nimport_map = "./maps/greet.json"',
      'maps/greet.json': '{ "importMap": "./more.json" }',
      'maps/more.json': '{ "imports": { "x/": "../functions/_shared/" } }',
      'functions/greet/deno.json': '{ "imports": { "x/": "./not-this-one/" } }',
      'functions/greet/index.ts': `import 'x/one.ts'`,
      'functions/_shared/one.ts': `import './two.ts'`,
      'functions/_shared/two.ts': `const late = () => import('https://esm.sh/zod@4')`,
      'functions/other/index.ts': `import 'https://esm.sh/nanoid'`,
    })
    expect(importMap.imports['x/']).toBe(`file://${supabase}/functions/_shared/`)
    expect(importMap.mappings).toEqual([{ from: 'https://esm.sh/zod@4', to: 'npm:zod@4' }])
  })

  test.each([
    ['no JSON', { 'functions/greet/deno.json': '{ imports: 1 }' }, /greet\/deno\.json is not valid JSON/],
    ['a list', { 'functions/greet/import_map.json': '[]' }, /import_map\.json must hold an object/],
    ['missing', { 'config.toml': '[functions.greet]\nimport_map = "./gone.json"' }, /gone\.json does not exist/],
  ])('that is %s is told, with the function', async (_, files, message) => {
    const failing = importsOf({ 'functions/greet/index.ts': '', ...files })
    await expect(failing).rejects.toMatchObject({ code: 'function.unloadable', facts: { function: 'greet' } })
    await expect(failing).rejects.toThrow(message)
  })

  test('follows imports in a circle once, and refuses a huge source', async () => {
    const files = {
      'functions/greet/index.ts': `import './a.ts'`,
      'functions/greet/a.ts': `import './index.ts'\nimport data from './data.js'`,
      'functions/greet/data.js': '',
    }
    expect((await importsOf(files)).importMap.mappings).toEqual([])
    await truncate(join(supabase, 'functions/greet/data.js'), 100e6)
    const folder = join(supabase, 'functions')
    const [greet] = (await discoverFunctions(folder)).list
    if (greet === undefined) throw new Error('no function')
    await expect(projectOf(greet, folder)).rejects.toThrow(/data\.js has 100 MB, and the platform takes 20 MB/)
  })
})
