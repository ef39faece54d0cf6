import { expect, test } from 'vitest'
import { serverAddress } from './address.ts'
import { isListed, signsOfProduction } from './production.ts'

const quiet = { sessions: 0, bytes: 8e6, commits: 200 }

test('a URL of the environment wins, password and all', () => {
  const address = serverAddress('postgres://a@one/x', {
    GREENLIGHT_ENGINE_URL: 'postgresql://my%40role:p%2Fw@db.example.org:6543/work?sslmode=verify-full',
  })
  expect(address).toEqual({
    host: 'db.example.org',
    port: 6543,
    database: 'work',
    user: 'my@role',
    password: 'p/w',
    ssl: { rejectUnauthorized: true },
  })
})

test('a written URL takes its password from PGPASSWORD, and usual port and database', () => {
  expect(serverAddress('postgres://me@[::1]', { PGPASSWORD: 'secret' })).toEqual({
    host: '::1',
    port: 5432,
    database: 'postgres',
    user: 'me',
    password: 'secret',
  })
})

test('a written password is refused, and not repeated', () => {
  const act = () => serverAddress('postgres://me:hunter2@host/db', {})
  expect(act).toThrow(expect.objectContaining({ code: 'usage.invalid' }))
  expect(act).not.toThrow(/hunter2/)
  expect(act).toThrow(/GREENLIGHT_ENGINE_URL.*PGPASSWORD/)
})

test.each([undefined, '', 'me@host', 'mysql://me@host/db', 'postgres://host/db', 'postgres://me@host/db?sslmode=yes'])(
  'no address: %s',
  (text) => {
    expect(() => serverAddress(text, {})).toThrow(expect.objectContaining({ code: 'usage.invalid' }))
  },
)

test.each([
  ['postgres://me@db.prod.example.org/app', quiet, 'its host is called db.prod.example.org'],
  ['postgres://me@db.abcdefghijkl.supabase.co/postgres', quiet, 'is a project of the platform'],
  ['postgres://me@host/app_production', quiet, 'its database is called app_production'],
  ['postgres://me@host/app', { ...quiet, bytes: 2 ** 30 }, 'it has a database of 1.0 GiB'],
  ['postgres://me@host/app', { ...quiet, sessions: 1 }, '1 other client is connected'],
  ['postgres://me@host/app', { ...quiet, commits: 100_000 }, '100,000 transactions were committed'],
])('looks like production: %s %o', (url, use, sign) => {
  const signs = signsOfProduction(serverAddress(url, {}), use)
  expect(signs).toHaveLength(1)
  expect(signs[0]).toContain(sign)
})

test.each(['postgres://me@products.example.org/reproduction', 'postgres://me@supabase.co.example.org/delivery'])(
  'does not look like production: %s',
  (url) => {
    const almost = { sessions: 0, bytes: 2 ** 30 - 1, commits: 99_999 }
    expect(signsOfProduction(serverAddress(url, {}), almost)).toEqual([])
  },
)

test('a host of the config is production, however it is written', () => {
  expect(isListed(serverAddress('postgres://me@DB.example.org/app', {}), ['db.Example.org'])).toBe(true)
  expect(isListed(serverAddress('postgres://me@db2.example.org/app', {}), ['db.example.org'])).toBe(false)
})
