import type { Database } from '../database/engine.ts'
import { quoteIdentifier } from '../database/identifiers.ts'
import { HarnessError } from '../errors.ts'

/**
 * Keeps suites, which are superusers on their clones, from writing to the databases that they are cloned from: until
 * disposed no session can be opened on these, clones can be made all the same. Roles belong to the cluster and cannot be
 * shut away; disposal throws `suites.failed` when one was made, changed or dropped meanwhile.
 */
export async function shut(databases: readonly [Database, ...Database[]]): Promise<AsyncDisposable> {
  const { cluster } = databases[0]
  const inTemplate = async <T>(work: (query: (sql: string) => Promise<{ rows: { all: string }[] }>) => Promise<T>) => {
    await using maintenance = await cluster.maintain()
    return await work((sql) => maintenance.query<{ all: string }>(sql))
  }
  const open = (allowed: boolean) =>
    inTemplate(async (query) => {
      for (const { name } of databases) {
        await query(`alter database ${quoteIdentifier(name)} allow_connections ${allowed}`)
      }
    })
  const roles = () => inTemplate(async (query) => (await query(rolesSql)).rows[0]?.all)
  const was = await roles()
  await open(false)
  return {
    async [Symbol.asyncDispose]() {
      await open(true)
      if ((await roles()) === was) return
      throw new HarnessError(
        'suites.failed',
        'A suite made, changed or dropped a role. Roles belong to the whole server, so before and after changed with it. Let suites use the roles that are there (db with SET ROLE, as, anon, service).',
      )
    },
  }
}

/** Everything about roles but their passwords, in one text. */
const rolesSql = `
  select concat_ws(' ',
    (select string_agg(to_jsonb(r)::text, ' ' order by oid) from (
      select oid, rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls
      from pg_roles) r),
    (select string_agg(to_jsonb(m)::text, ' ' order by roleid, member, grantor) from pg_auth_members m),
    (select string_agg(to_jsonb(s)::text, ' ' order by setrole) from pg_db_role_setting s where setdatabase = 0)) as all`
