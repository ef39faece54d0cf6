import { expect, test } from 'vitest'
import { clientConfig, readSource } from './source.ts'

const secret = 'p%40ss:w0rd'

test('a URL comes from the environment with its password, or alone with the password in PGPASSWORD', () => {
  const named = readSource('PRODUCTION_URL', {
    PRODUCTION_URL: `postgres://post%20gres:${secret}@db.example.org:6543/app`,
  })
  expect(named).toEqual({
    host: 'db.example.org',
    port: 6543,
    user: 'post gres',
    database: 'app',
    password: 'p@ss:w0rd',
    sslMode: 'require',
  })
  const plain = readSource('postgresql://me@localhost', { PGPASSWORD: 'x' })
  expect(plain).toMatchObject({
    host: 'localhost',
    port: 5432,
    database: 'postgres',
    password: 'x',
    sslMode: 'disable',
  })
  expect(clientConfig(named).ssl).toEqual({ rejectUnauthorized: false })
  expect(clientConfig({ ...named, sslMode: 'verify-full' }).ssl).toEqual({ rejectUnauthorized: true })
  expect(clientConfig(plain).ssl).toBe(false)
})

test('what shows a password, or has none, is refused without repeating it', () => {
  const refusal = (from: string, env: Record<string, string> = {}) => {
    try {
      readSource(from, env)
    } catch (error) {
      return String(error)
    }
    return 'not refused'
  }
  expect(refusal(`postgres://me:${secret}@db.example.org/app`)).toMatch(/shows in every list of processes/)
  expect(refusal('MISSING')).toMatch(/MISSING holds nothing/)
  expect(refusal('URL', { URL: `me:${secret}` })).toMatch(/must begin with postgres:\/\//)
  expect(refusal('URL', { URL: `${secret}@nowhere` })).toMatch(/is no URL/)
  expect(refusal('postgres://me@db.example.org/app')).toMatch(/put it into PGPASSWORD/)
  expect(refusal('URL', { URL: 'postgres:///app' })).toMatch(/name a host and a user/)
  for (const from of [`postgres://me:${secret}@db.example.org/app`, `mysql://me:${secret}@x/y`]) {
    expect(refusal(from)).not.toContain('w0rd')
    expect(refusal('URL', { URL: from })).not.toContain('w0rd')
  }
})
