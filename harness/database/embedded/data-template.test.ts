import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { embeddedEngine } from './engine.ts'

let cache: string

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'greenlight-cache-test-'))
  chmodSync(cache, 0o755)
  vi.stubEnv('GREENLIGHT_CACHE', cache)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(cache, { recursive: true, force: true })
})

const templates = () => readdirSync(cache).filter((name) => name.startsWith('data-'))

test('two first starts at one time make one original, and copies with passwords of their own', async () => {
  const [one, two] = await Promise.all([embeddedEngine.start({}), embeddedEngine.start({})])
  try {
    expect(templates()).toHaveLength(1)
    // Nothing half made stays beside it.
    expect(readdirSync(cache).filter((name) => name.startsWith('.'))).toEqual([])
    expect(one.password).not.toBe(two.password)
    const { default: pg } = await import('pg')
    const swapped = new pg.Client({ ...one.database('template1').config(), password: two.password })
    await expect(swapped.connect()).rejects.toMatchObject({ code: '28P01' })
    await using session = await two.database('template1').connect()
    expect((await session.query("SELECT rolname FROM pg_authid WHERE rolpassword LIKE 'SCRAM%'")).rows).toEqual([
      { rolname: 'supabase_admin' },
    ])
  } finally {
    await Promise.all([one.stop(), two.stop()])
  }
})

test('a copy is used again, stays as it was, and is readable by its server alone', async () => {
  await using first = await embeddedEngine.start({})
  const [name = ''] = templates()
  const original = statSync(join(cache, name))
  expect(original.mode & 0o777).toBe(0o700)
  await using session = await first.database('template1').connect()
  await session.query('CREATE TABLE public.left_behind ()')
  await using second = await embeddedEngine.start({})
  await using other = await second.database('template1').connect()
  expect((await other.query("SELECT to_regclass('public.left_behind') AS gone")).rows).toEqual([{ gone: null }])
  expect(statSync(join(cache, name)).ino).toBe(original.ino)
})

test('an original that was damaged is named, with what to do', async () => {
  await (await embeddedEngine.start({})).stop()
  const [name = ''] = templates()
  rmSync(join(cache, name, 'global'), { recursive: true })
  await expect(embeddedEngine.start({})).rejects.toMatchObject({
    code: 'engine.start-failed',
    message: expect.stringContaining(`remove the folder ${join(cache, name)}`),
  })
})
