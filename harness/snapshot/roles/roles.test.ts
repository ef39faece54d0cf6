import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import { preparePlatformSchemas } from '../../platform/prepare.ts'
import { administer } from '../access/test-project.ts'
import { compareRoles } from './compare.ts'
import { takeRoles } from './take.ts'

let cluster: Cluster
let before: Database

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await preparePlatformSchemas(before)
})
afterAll(() => cluster.stop())

/** Roles are shared by all tests of the cluster, so each takes its change back. */
async function rehearse(sql: string, undo: string) {
  const was = await takeRoles(before)
  await administer(before, sql)
  try {
    return compareRoles(was, await takeRoles(before))
  } finally {
    await administer(before, undo)
  }
}

test.each([
  ['BYPASSRLS for anon', 'alter role anon bypassrls', 'alter role anon nobypassrls', 'anon'],
  [
    'service_role for everyone',
    'grant service_role to authenticated',
    'revoke service_role from authenticated',
    'authenticated',
  ],
  [
    'rights through another role',
    'create role readers; grant pg_read_all_data to readers; grant readers to anon',
    'drop role readers',
    'anon',
  ],
  [
    'no service_role for the Data API',
    'revoke service_role from authenticator',
    'grant service_role to authenticator',
    'authenticator',
  ],
  [
    'requests that can only read',
    'alter role authenticated set default_transaction_read_only = on',
    'alter role authenticated reset default_transaction_read_only',
    'authenticated',
  ],
  [
    'no login for Auth',
    'alter role supabase_auth_admin nologin',
    'alter role supabase_auth_admin login',
    'supabase_auth_admin',
  ],
  [
    'another password for the Data API',
    `alter role authenticator password 'secret-1'`,
    'alter role authenticator password null',
    'authenticator',
  ],
])('%s blocks', async (_, sql, undo, role) => {
  const { findings, checks } = await rehearse(sql, undo)
  const blocking = findings.filter(({ severity }) => severity === undefined)
  expect(blocking.map(({ kind, object }) => `${kind} ${object}`)).toEqual([`access.role-changed ${role}`])
  expect(checks).toMatchObject([{ id: 'access.roles', status: 'failed', required: true }])
  expect(JSON.stringify(findings)).not.toContain('secret')
})

test.each([
  ['nothing', 'select 1', 'select 1', []],
  [
    'a longer time limit',
    `alter role authenticated set statement_timeout = '15s'`,
    `alter role authenticated set statement_timeout = '8s'`,
    ['authenticated warning'],
  ],
  ['a role of its own', 'create role reporting', 'drop role reporting', ['reporting info']],
  ['a role that logs in', 'create role reporting login', 'drop role reporting', ['reporting warning']],
  [
    'a role that a token may name',
    'create role premium; grant premium to authenticator',
    'drop role premium',
    ['authenticator warning', 'premium info'],
  ],
])('%s does not block', async (_, sql, undo, expected) => {
  const { findings, checks } = await rehearse(sql, undo)
  expect(findings.map(({ object, severity }) => `${object} ${severity}`)).toEqual(expected)
  expect(checks).toMatchObject([{ status: 'passed' }])
})
