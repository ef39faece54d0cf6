import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import { platformSchemas } from '../model/platform-schemas.ts'
import { extensionFiles } from './extension-files.ts'
import { loginRoles } from './login-roles.ts'
import { preparePlatform, preparePlatformSchemas } from './prepare.ts'

const stubs = readdirSync(extensionFiles)
  .filter((name) => name.endsWith('.control'))
  .map((name) => name.replace('.control', ''))

let cluster: Cluster
let database: Database

beforeAll(async () => {
  cluster = await startTestCluster()
  database = await cluster.createDatabase('platform')
  await preparePlatform(database)
})
afterAll(() => cluster?.stop())

describe('the roles of the platform', () => {
  test('postgres owns the database and is not a superuser', async () => {
    await using connection = await database.connect({ role: 'postgres' })
    const { rows } = await connection.query(
      `SELECT rolsuper, rolbypassrls, rolcreaterole, pg_get_userbyid(datdba) AS owner, current_setting('search_path') AS path
       FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()`,
    )
    expect(rows).toEqual([
      {
        rolsuper: false,
        rolbypassrls: true,
        rolcreaterole: true,
        owner: 'postgres',
        path: '"$user", public, extensions',
      },
    ])
  })

  test.each(loginRoles)('%s logs in with the password of the cluster', async (role) => {
    await using connection = await database.connect({ role })
    expect((await connection.query('SELECT current_user AS name')).rows).toEqual([{ name: role }])
  })

  test('the roles of the API have the rights that production gives them', async () => {
    await using connection = await database.connect({ role: 'authenticator' })
    for (const role of ['anon', 'authenticated', 'service_role']) {
      await connection.query(`SET ROLE ${role}`)
      await connection.query('RESET ROLE')
    }
    const { rows } = await connection.query(
      `SELECT rolname AS name, rolcanlogin AS login, rolbypassrls AS bypass, rolinherit AS inherits FROM pg_roles
       WHERE rolname IN ('anon', 'authenticated', 'service_role', 'authenticator') ORDER BY 1`,
    )
    expect(rows).toEqual([
      { name: 'anon', login: false, bypass: false, inherits: true },
      { name: 'authenticated', login: false, bypass: false, inherits: true },
      { name: 'authenticator', login: true, bypass: false, inherits: false },
      { name: 'service_role', login: false, bypass: true, inherits: true },
    ])
  })

  test('postgres is no member of the roles that own auth and storage', async () => {
    await using connection = await database.connect({ role: 'postgres' })
    const { rows } = await connection.query(
      `SELECT pg_has_role('supabase_auth_admin', 'USAGE') AS auth, pg_has_role('supabase_storage_admin', 'USAGE') AS storage`,
    )
    expect(rows).toEqual([{ auth: false, storage: false }])
  })

  test('may be prepared again, and again on a clone', async () => {
    await preparePlatform(database)
    await using clone = await database.clone('platform_clone')
    await preparePlatform(clone)
    await using connection = await clone.connect({ role: 'postgres' })
    await connection.query('CREATE TABLE public.mine (id int)')
  })

  test('being prepared again leaves the owner and the grants that a clone has from its original', async () => {
    await using original = await cluster.createDatabase('other_owner')
    await preparePlatform(original)
    await using connection = await original.connect()
    await connection.query(
      'ALTER DATABASE other_owner OWNER TO supabase_storage_admin; REVOKE CREATE ON DATABASE other_owner FROM supabase_auth_admin',
    )
    await connection.end()
    await using clone = await original.clone('other_owner_clone')
    await preparePlatform(clone)
    await using look = await clone.connect()
    const { rows } = await look.query(
      `SELECT pg_get_userbyid(datdba) AS owner, has_database_privilege('supabase_auth_admin', datname, 'CREATE') AS creates
       FROM pg_database WHERE datname = current_database()`,
    )
    expect(rows).toEqual([{ owner: 'supabase_storage_admin', creates: false }])
  })
})

describe('the stub extensions', () => {
  test.each(stubs)('%s is made by postgres, who is no superuser, in any version that it offers', async (name) => {
    await using connection = await database.connect({ role: 'postgres' })
    await connection.query('CREATE SCHEMA IF NOT EXISTS extensions')
    await connection.query('CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA extensions')
    const { rows } = await connection.query(
      `SELECT v.version, a.comment FROM pg_available_extension_versions v JOIN pg_available_extensions a USING (name)
       WHERE name = $1 ORDER BY 1`,
      [name],
    )
    expect(rows.length).toBeGreaterThan(0)
    for (const { version, comment } of rows) {
      expect(comment).toMatch(new RegExp(`^STUB of ${name}: `))
      await connection.query(`CREATE EXTENSION IF NOT EXISTS ${name} VERSION '${version}'`)
      await connection.query(`DROP EXTENSION ${name} CASCADE`)
    }
    await connection.query(`CREATE EXTENSION IF NOT EXISTS ${name}`)
  })

  test('pgjwt signs as the standard says, and refuses a changed token', async () => {
    await using connection = await database.connect({ role: 'postgres' })
    const payload = '{"sub":"1234567890","name":"John Doe","iat":1516239022}'
    const { rows } = await connection.query(
      `WITH signed AS (SELECT sign($1, 'your-256-bit-secret') AS token)
       SELECT token, (verify(token, 'your-256-bit-secret')).valid, (verify(token, 'another')).valid AS forged FROM signed`,
      [payload],
    )
    expect(rows).toEqual([
      {
        token:
          'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c',
        valid: true,
        forged: false,
      },
    ])
  })

  test('pg_net queues a request, pg_cron keeps a job, vault reads back a new secret, vector has no distances', async () => {
    await using connection = await database.connect({ role: 'postgres' })
    const { rows } = await connection.query(
      `SELECT net.http_post('https://example.com/hook', '{"a": 1}', '{"q": "ä b"}') AS request,
        cron.schedule('nightly', '0 3 * * *', 'select 1') AS job,
        '[1,2,3]'::vector(3) <-> '[3,2,1]'::vector AS distance`,
    )
    expect(rows).toEqual([{ request: '1', job: '1', distance: null }])
    expect((await connection.query('SELECT method, url FROM net.http_request_queue')).rows).toEqual([
      { method: 'POST', url: 'https://example.com/hook?q=%C3%A4%20b' },
    ])
    await connection.query(`SELECT vault.create_secret('s3cr3t', 'key')`)
    expect((await connection.query('SELECT name, decrypted_secret FROM vault.decrypted_secrets')).rows).toEqual([
      { name: 'key', decrypted_secret: 's3cr3t' },
    ])
    expect((await connection.query(`SELECT cron.unschedule('nightly') AS gone`)).rows).toEqual([{ gone: true }])
  })
})

describe('the schemas of the platform', () => {
  test('are made from nothing with the owners of production', async () => {
    await using empty = await cluster.createDatabase('schemas')
    await preparePlatformSchemas(empty)
    await using connection = await empty.connect()
    const { rows } = await connection.query(
      `SELECT relnamespace::regnamespace::text AS schema, pg_get_userbyid(relowner) AS owner, count(*)::int AS tables
       FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace::regnamespace::text = ANY ($1) GROUP BY 1, 2 ORDER BY 1, 2`,
      [platformSchemas.filter((schema) => schema !== 'information_schema')],
    )
    expect(rows).toEqual([
      { schema: 'auth', owner: 'supabase_auth_admin', tables: 23 },
      { schema: 'realtime', owner: 'supabase_admin', tables: 2 },
      { schema: 'realtime', owner: 'supabase_realtime_admin', tables: 1 },
      { schema: 'storage', owner: 'supabase_storage_admin', tables: 10 },
      { schema: 'supabase_functions', owner: 'supabase_functions_admin', tables: 2 },
      { schema: 'supabase_migrations', owner: 'postgres', tables: 2 },
      { schema: 'vault', owner: 'supabase_admin', tables: 1 },
    ])
  })

  test('let role postgres make the extensions of the platform, which then give it its rights', async () => {
    await using empty = await cluster.createDatabase('made_later')
    await preparePlatformSchemas(empty)
    await using connection = await empty.connect({ role: 'postgres' })
    await connection.query(
      'CREATE EXTENSION pg_cron; CREATE EXTENSION pg_net WITH SCHEMA extensions; DROP EXTENSION IF EXISTS pg_graphql; CREATE EXTENSION pg_graphql',
    )
    await connection.query("SELECT cron.schedule('a', '* * * * *', 'select 1'), net.http_get('https://example.com')")
    expect((await connection.query('SELECT count(*)::int AS jobs FROM cron.job')).rows).toEqual([{ jobs: 1 }])
  })

  test('leave a new table of postgres closed to the API, as the platform does since October 2026', async () => {
    await using empty = await cluster.createDatabase('closed')
    await preparePlatformSchemas(empty)
    await using connection = await empty.connect({ role: 'postgres' })
    await connection.query('CREATE TABLE public.fresh (id int)')
    const { rows } = await connection.query(
      `SELECT has_table_privilege('authenticated', 'public.fresh', 'SELECT') AS open`,
    )
    expect(rows).toEqual([{ open: false }])
  })
})
