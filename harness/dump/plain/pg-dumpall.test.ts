import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import type { RestoreRun } from '../../model/restore-run.ts'
import { preparePlatform } from '../../platform/prepare.ts'
import { checksOfRestore } from '../findings.ts'
import { findNativeClient } from '../native/client.ts'
import { catalogue, fingerprints, query } from '../native/database-content.ts'
import { readDump } from '../read-dump.ts'
import { restore } from '../restore.ts'

const client = await findNativeClient()
afterAll(() => client?.[Symbol.asyncDispose]())

/** What belongs to the whole cluster, beside the roles of odd.sql. */
const ofCluster = `
  CREATE ROLE app LOGIN NOINHERIT CREATEDB CONNECTION LIMIT 5 PASSWORD 'of the app';
  CREATE ROLE team NOLOGIN;
  GRANT odd_reader TO team;
  GRANT team TO app WITH ADMIN OPTION;
  ALTER ROLE app SET statement_timeout = '3s';
  ALTER ROLE app SET session_preload_libraries = 'auto_explain'`

const rolesSql = `
  SELECT r.rolname::text AS role, rolcanlogin, rolinherit, rolcreatedb, rolconnlimit, s.setconfig::text[] AS settings,
         ARRAY(SELECT g.rolname || CASE WHEN m.admin_option THEN ' with admin' ELSE '' END FROM pg_auth_members m
                 JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid ORDER BY 1) AS member_of
    FROM pg_roles r LEFT JOIN pg_db_role_setting s ON s.setrole = r.oid AND s.setdatabase = 0
   WHERE r.rolname IN ('app', 'team', 'odd_reader', 'Odd "Owner"') ORDER BY 1`

describe.skipIf(!client)(
  'a dump of pg_dumpall itself (needs PostgreSQL 17 on the path, or Docker with its image)',
  () => {
    let [from, to]: [Cluster?, Cluster?] = []
    let folder: string
    let source: Database
    let copy: Database
    let run: RestoreRun
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'greenlight-cluster-'))
      from = await startTestCluster()
      source = from.database('postgres')
      await query(source, await readFile(new URL('../../../fixtures/dumps/odd.sql', import.meta.url), 'utf8'))
      await query(source, ofCluster)
      await using other = await from.createDatabase('other')
      await query(other, 'CREATE TABLE of_others (id int)')
      const path = join(folder, 'cluster.backup')
      const made = await client?.run('pg_dumpall', ['--file', path], source)
      expect(made?.messages).toContain('exit 0')
      // A server without those roles.
      to = await startTestCluster()
      copy = await to.createDatabase('copy')
      await preparePlatform(copy)
      await using dump = await readDump(path)
      run = await restore(dump, copy)
    })
    afterAll(async () => {
      await from?.stop()
      await to?.stop()
      await rm(folder, { recursive: true })
    })

    test('accounts for every entry, and leaves other databases and libraries out with a reason', () => {
      expect(run.dump).toMatchObject({ format: 'cluster', database: 'postgres' })
      expect(checksOfRestore(run).map(({ status }) => status)).toEqual(['passed', 'passed'])
      const told = run.entries.filter(({ fate }) => fate !== 'restored').map(({ type, name }) => `${type} ${name}`)
      expect(told).toEqual(
        expect.arrayContaining(['ROLE supabase_admin', 'ROLE app', 'ROLE SETTINGS app', 'DATABASE other']),
      )
      expect(run.entries.find(({ type, name }) => type === 'ROLE' && name === 'app')?.reason).toBe(
        'Made without the limit of its connections, its password.',
      )
      expect(run.rolesCreated).toEqual([])
    })

    test('has the rows and the objects of the database postgres, and nothing of another', async () => {
      expect(await fingerprints(copy)).toEqual(await fingerprints(source))
      expect(await catalogue(copy)).toEqual(await catalogue(source))
    })

    test('has the roles with their attributes, members and settings, but no password', async () => {
      const roles = await query(source, rolesSql)
      const changed = { rolconnlimit: -1, settings: ['statement_timeout=3s'] }
      expect(roles.find(({ role }) => role === 'app')).toMatchObject({
        rolconnlimit: 5,
        member_of: ['team with admin'],
      })
      expect(await query(copy, rolesSql)).toEqual(
        roles.map((role) => (role.role === 'app' ? { ...role, ...changed } : role)),
      )
      expect(await query(copy, "SELECT rolpassword FROM pg_authid WHERE rolname = 'app'")).toEqual([
        { rolpassword: null },
      ])
    })

    test('has the owner that the platform gives its database: pg_dumpall says nothing of it', async () => {
      const sql = 'SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = current_database()'
      expect(await query(copy, sql)).toEqual([{ owner: 'postgres' }])
    })
  },
)
