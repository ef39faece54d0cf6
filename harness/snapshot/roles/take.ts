import type { Database } from '../../database/engine.ts'

/** A role of the cluster: both sides share it, so it is read once before the migrations and once after them. */
export type RoleFacts = {
  readonly name: string
  /** Those that it has of `attributes`. */
  readonly attributes: readonly string[]
  /** Roles whose rights it has or may take on, directly or through others. */
  readonly memberOf: readonly string[]
  /** `name=value`, with ` in database x` where it holds in one database only. */
  readonly settings: readonly string[]
  /** Of the stored password; empty without one. */
  readonly password: string
}

/** Every role but Postgres' own, by name. Throws `database.failed`. */
export async function takeRoles(database: Database): Promise<ReadonlyMap<string, RoleFacts>> {
  await using session = await database.connect({ readOnly: true })
  const { rows } = await session.query<RoleFacts>(`
    select r.rolname::text as name,
      array_remove(array[case when r.rolsuper then 'superuser' end, case when r.rolbypassrls then 'bypassrls' end,
        case when r.rolcreaterole then 'createrole' end, case when r.rolreplication then 'replication' end,
        case when r.rolinherit then 'inherit' end, case when r.rolcanlogin then 'login' end], null) as attributes,
      (with recursive granted(oid) as (
          select roleid from pg_auth_members where member = r.oid
          union select m.roleid from pg_auth_members m join granted g on m.member = g.oid)
        select coalesce(array_agg(o.rolname::text order by o.rolname collate "C"), '{}')
        from granted g join pg_roles o on o.oid = g.oid) as "memberOf",
      (select coalesce(array_agg(value order by value collate "C"), '{}') from (
        select s.setting || coalesce(' in database ' || d.datname, '') as value
        from pg_db_role_setting c cross join unnest(c.setconfig) as s(setting) left join pg_database d on d.oid = c.setdatabase
        where c.setrole = r.oid) as setting) as settings,
      coalesce(md5(a.rolpassword), '') as password
    from pg_roles r join pg_authid a on a.oid = r.oid
    where r.rolname !~ '^pg_' order by r.rolname collate "C"`)
  return new Map(rows.map((role) => [role.name, role]))
}
