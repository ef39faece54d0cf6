import { column, describe, expect, type Fixtures, from, insertSql, madeRow, needs, quoted, rowFor } from '#suite'

const test = needs('resource', 'membership', 'profile')

/** Resources of the dump that are tried, picked by the seed; of each, one member of every role it has. */
const sample = 8
/** Ids in one request. 500 uuids make an address of 18 kB, more than gateways take; an app asks in parts. */
const chunk = 100

describe('the two-step query: roles first, profiles second', () => {
  test(`every kind of member gets every member's profile, in ${sample} resources`, async ({
    app,
    as,
    db,
    seed,
    skip,
  }) => {
    const readers = await membersOfEachRole(app, db, seed)
    if (readers.length === 0) {
      const { key, members } = await resourceWith(3, app, db, seed, skip)
      readers.push(...members.map((reader) => ({ key, reader, role: 'member' })))
    }
    for (const { key, reader, role } of readers) {
      const answer = await twoSteps(await as({ id: reader }), app, key)
      expectSame(answer, await truth(app, db, key), `as ${role} ${reader} of ${key}`)
    }
  })

  test(`the service key gets every member's profile, in ${sample} resources`, async ({ app, service, db, seed }) => {
    for (const key of new Set((await membersOfEachRole(app, db, seed)).map((one) => one.key))) {
      expectSame(await twoSteps(service, app, key), await truth(app, db, key), `with the service key of ${key}`)
    }
  })

  for (const size of [1, 2, 50, 500]) {
    test(`a resource with ${size} members, or as many as there are users`, async ({ app, as, db, seed, skip }) => {
      const { key, members } = await resourceWith(size, app, db, seed, skip)
      const there = await truth(app, db, key)
      expect(there.members.length, 'members made').toBe(members.length)
      const readers = [members[0], members[1], members.at(-1)].flatMap((id) => id ?? [])
      for (const id of new Set(readers)) {
        expectSame(await twoSteps(await as({ id }), app, key), there, `as ${id} of ${key}`)
      }
    })
  }

  test('500 ids in one address are answered whole or refused, never in part', async ({
    app,
    service,
    db,
    seed,
    skip,
  }) => {
    const { members } = await resourceWith(500, app, db, seed, skip)
    const { data, error, status } = await from(service, app.profile.table)
      .select(column(app.profile.user))
      .in(column(app.profile.user), members)
    const isRefused = error !== null && (status === 0 || (status >= 400 && status < 500))
    expect(isRefused ? members.length : rows(data).length, `profiles answered, HTTP status ${status}`).toBe(
      members.length,
    )
  })

  test('a member without a profile is reported, not lost', async ({ app, as, service, db, seed, skip }) => {
    const { key, members } = await resourceWith(3, app, db, seed, skip)
    const [owner = '', , without = ''] = members
    // As from before the app made profiles: no trigger and no rule has a say.
    await db.query(`begin; set local session_replication_role = replica;
      delete from ${quoted(app.profile.table)} where ${quoted(app.profile.user)}::text = '${without.replaceAll("'", "''")}'; commit`)
    for (const [who, client] of [
      ['the owner', await as({ id: owner })],
      ['the service key', service],
    ] as const) {
      const { members: found, profiles } = await twoSteps(client, app, key)
      expect(found.length, `members of ${key} for ${who}`).toBe(3)
      const missing = found.filter((id) => !profiles.includes(id))
      expect(missing.length, `members of ${key} without a profile for ${who}`).toBe(1)
      expect(missing[0] === without, `whether ${who} is told which`).toBe(true)
    }
  })

  test('one query with the profile embedded answers the same, where a foreign key allows it', async ({
    app,
    as,
    db,
    seed,
    skip,
  }) => {
    const { membership, profile } = app
    const [link] = await db.query<{ name: string }>(
      `select conname as name from pg_constraint
       where contype = 'f' and conrelid = $1::regclass and confrelid = $2::regclass
         and conkey = array(select attnum from pg_attribute where attrelid = $1::regclass and attname = $3)
         and confkey = array(select attnum from pg_attribute where attrelid = $2::regclass and attname = $4)`,
      [quoted(membership.table), quoted(profile.table), membership.user, profile.user],
    )
    const { key, members } = await resourceWith(3, app, db, seed, skip)
    const client = await as({ id: members[1] ?? '' })
    const [, target = ''] = profile.table.split('.')
    const hint = link ? `!${column(link.name)}` : ''
    const embedded = `${column(membership.user)}, person:${column(target)}${hint}(${column(profile.user)})`
    const { data, error } = await from(client, membership.table).select(embedded).eq(column(membership.resource), key)
    // PGRST200: the Data API knows of no relationship, so an app cannot have asked this way.
    if (link === undefined) return expect(error?.code, 'code of the answer without a foreign key').toBe('PGRST200')
    expect(error?.code, 'code of the answer').toBeUndefined()
    const found = rows(data).map((row) => ({ member: row[membership.user], profile: Object(row.person)[profile.user] }))
    expect(found.length, `members of ${key}`).toBe(members.length)
    expect(found.filter((one) => one.member !== one.profile).length, 'members without their own profile').toBe(0)
  })

  test('the order of the roles and of the ids changes nothing', async ({ app, service, db, seed, skip }) => {
    const { key } = await resourceWith(50, app, db, seed, skip)
    const forwards = await twoSteps(service, app, key, { ascending: true })
    const backwards = await twoSteps(service, app, key, { ascending: false })
    expectSame(backwards, forwards, `backwards, of ${key}`)
  })

  test('everybody sees the own profile, who is not logged in sees none', async ({ app, as, anon, db, seed }) => {
    const { table, user } = app.profile
    for (const { reader } of await membersOfEachRole(app, db, seed)) {
      const [there] = await db.query(`select from ${quoted(table)} where ${quoted(user)}::text = $1`, [reader])
      const { data, error } = await from(await as({ id: reader }), table)
        .select(column(user))
        .eq(column(user), reader)
      expect(error?.code, 'SQLSTATE of the query').toBeUndefined()
      expect(data?.length, `own profiles of ${reader}`).toBe(there === undefined ? 0 : 1)
    }
    const { count, error } = await from(anon, table).select('*', { count: 'exact', head: true })
    expect(error === null ? count : 0, 'profiles without a login').toBe(0)
  })
})

type App = Fixtures<'resource' | 'membership' | 'profile'>['app']
type Db = Fixtures['db']
/** Ids of users: as often as they were answered. */
type Answer = { readonly members: readonly string[]; readonly profiles: readonly string[] }

/** As the app does it. Whoever has no profile is in `members` only. */
async function twoSteps(
  client: Fixtures['anon'],
  { membership, profile }: App,
  key: string,
  order: { ascending?: boolean } = {},
): Promise<Answer> {
  const roles = await from(client, membership.table)
    .select(column(membership.user))
    .eq(column(membership.resource), key)
    .order(column(membership.user), order)
  expect(roles.error?.code, 'SQLSTATE of the first query').toBeUndefined()
  const members = rows(roles.data).map((row) => String(row[membership.user]))
  const ids = [...new Set(members)]
  const profiles: string[] = []
  for (let at = 0; at < ids.length; at += chunk) {
    const part = await from(client, profile.table)
      .select(column(profile.user))
      .in(column(profile.user), ids.slice(at, at + chunk))
    expect(part.error?.code, 'SQLSTATE of the second query').toBeUndefined()
    profiles.push(...rows(part.data).map((row) => String(row[profile.user])))
  }
  return { members, profiles }
}

/** The same from SQL, with no policy in between. */
async function truth({ membership, profile }: App, db: Db, key: string): Promise<Answer> {
  const [found] = await db.query<Answer>(
    `select array_agg(m.${quoted(membership.user)}::text) as members,
       coalesce(array_agg(distinct p.${quoted(profile.user)}::text) filter (where p.${quoted(profile.user)} is not null), '{}') as profiles
     from ${quoted(membership.table)} m left join ${quoted(profile.table)} p on p.${quoted(profile.user)}::text = m.${quoted(membership.user)}::text
     where m.${quoted(membership.resource)}::text = $1`,
    [key],
  )
  return { members: found?.members ?? [], profiles: found?.profiles ?? [] }
}

/** Nobody missing, nobody extra, nobody twice; the order is no matter. */
function expectSame(answer: Answer, there: Answer, how: string): void {
  for (const list of ['members', 'profiles'] as const) {
    const [got, wanted] = [new Set(answer[list]), new Set(there[list])]
    expect([...wanted].filter((id) => !got.has(id)).length, `missing ${list}, ${how}`).toBe(0)
    expect([...got].filter((id) => !wanted.has(id)).length, `extra ${list}, ${how}`).toBe(0)
    expect(answer[list].length, `${list} with those answered twice, ${how}`).toBe(there[list].length)
  }
}

/** Of each sampled resource with several members, one of every role. */
function membersOfEachRole({ membership }: App, db: Db, seed: number) {
  const [m, key, user] = [quoted(membership.table), quoted(membership.resource), quoted(membership.user)]
  return db.query<{ key: string; reader: string; role: string }>(
    `with sample as (
       select ${key} as key from ${m} group by 1 having count(*) > 1 order by md5(${key}::text || $1), 1 limit ${sample}
     )
     select distinct on (1, 3) s.key::text as key, m.${user}::text as reader, m.${quoted(membership.role)}::text as role
     from sample s join ${m} m on m.${key} = s.key
     order by 1, 3, 2`,
    [String(seed)],
  )
}

/** A new resource with so many members, all with a profile, the owner first; fewer where there are fewer users. */
async function resourceWith(
  size: number,
  { resource, membership, profile }: App,
  db: Db,
  seed: number,
  skip: (reason: string) => never,
) {
  const users = await db.query<{ id: string }>(
    `select u.id::text from auth.users u join ${quoted(profile.table)} p on p.${quoted(profile.user)}::text = u.id::text
     where u.deleted_at is null order by md5(u.id::text || $1), 1 limit $2`,
    [`size ${seed}`, size],
  )
  if (users.length < Math.min(size, 3))
    skip(`there are ${users.length} users with a profile, too few for ${size} members`)
  const members = users.map(({ id }) => id)
  const key = await madeRow(db, resource.table, { [resource.owner]: members[0] }, resource.key)
  const others = membership.roles.filter((role) => role !== membership.ownerRole)
  const first = await rowFor(db, membership.table, {
    [membership.resource]: key,
    [membership.user]: members[0],
    [membership.role]: membership.ownerRole,
  })
  const roles = members.map((id, at) => ({
    ...first,
    [membership.user]: id,
    [membership.role]: at === 0 ? membership.ownerRole : (others[at % others.length] ?? membership.ownerRole),
  }))
  // A trigger of the app may have made the owner's already.
  await db.query(`delete from ${quoted(membership.table)} where ${quoted(membership.resource)}::text = $1`, [key])
  await db.query(insertSql(membership.table, first), [JSON.stringify(roles)])
  return { key, members }
}

function rows(data: unknown): Record<string, unknown>[] {
  return Array.isArray(data) ? data : []
}
