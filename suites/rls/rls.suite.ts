import { column, describe, expect, from, needs, quoted, type SuiteFixtures } from '#suite'

const test = needs('resource', 'membership')
const withShared = needs('resource', 'membership', 'shared')

/** A member who is not the owner, and a user who has nothing to do with the resource. */
type Case = { key: string; member: string; stranger: string; members: number }

describe('row-level security', () => {
  test('a collaborator sees the resource and all of its members', async ({ app, as, db, seed, skip }) => {
    const { resource, membership } = app
    for (const { key, member, members } of await cases(app, db, seed, skip)) {
      const client = await as({ id: member })
      const found = await count(from(client, resource.table).select('*', exact).eq(column(resource.key), key))
      expect(found, `resource ${key}, read by member ${member}`).toBe(1)
      const roles = await count(from(client, membership.table).select('*', exact).eq(column(membership.resource), key))
      expect(roles, `members of ${key}, read by member ${member}`).toBe(members)
    }
  })

  test('a stranger sees neither', async ({ app, as, db, seed, skip }) => {
    const { resource, membership } = app
    for (const { key, stranger } of await cases(app, db, seed, skip)) {
      const client = await as({ id: stranger })
      const found = await count(from(client, resource.table).select('*', exact).eq(column(resource.key), key))
      expect(found, `resource ${key}, read by stranger ${stranger}`).toBe(0)
      const roles = await count(from(client, membership.table).select('*', exact).eq(column(membership.resource), key))
      expect(roles, `members of ${key}, read by stranger ${stranger}`).toBe(0)
    }
  })

  withShared('what belongs to a resource is for its members alone', async ({ app, as, db, seed, skip }) => {
    const [sample] = await cases(app, db, seed, skip)
    if (sample === undefined) return
    const [member, stranger] = [await as({ id: sample.member }), await as({ id: sample.stranger })]
    for (const { table, resource: shared } of app.shared) {
      const [there] = await db.query<{ rows: number }>(
        `select count(*)::int as rows from ${quoted(table)} where ${quoted(shared)}::text = $1`,
        [sample.key],
      )
      expect(
        await count(from(member, table).select('*', exact).eq(column(shared), sample.key)),
        `${table}, read by a member`,
      ).toBe(there?.rows)
      expect(
        await count(from(stranger, table).select('*', exact).eq(column(shared), sample.key)),
        `${table}, read by a stranger`,
      ).toBe(0)
    }
  })

  test('who is not logged in sees no resource and no member', async ({ app, anon }) => {
    for (const { table } of [app.resource, app.membership]) {
      // Either no rows or no permission at all.
      const { count: rows, error } = await from(anon, table).select('*', exact)
      expect(error === null ? rows : 0, `rows of ${table}`).toBe(0)
    }
  })

  test('a stranger cannot make himself a member', async ({ app, as, db, seed, skip }) => {
    const { membership } = app
    const [sample] = await cases(app, db, seed, skip)
    if (sample === undefined) return
    const row = Object.fromEntries([
      [membership.resource, sample.key],
      [membership.user, sample.stranger],
      [membership.role, membership.ownerRole],
    ])
    const { error } = await from(await as({ id: sample.stranger }), membership.table).insert(row as never)
    expect(error?.code, 'SQLSTATE of the insert').toBe('42501')
  })
})

const exact = { count: 'exact', head: true } as const

async function cases(
  { resource, membership }: Required<Pick<SuiteFixtures['app'], 'resource' | 'membership'>>,
  db: SuiteFixtures['db'],
  seed: number,
  skip: (reason: string) => never,
): Promise<[Case, ...Case[]]> {
  const [r, m] = [quoted(resource.table), quoted(membership.table)]
  const [key, owner] = [quoted(resource.key), quoted(resource.owner)]
  const [mResource, mUser] = [quoted(membership.resource), quoted(membership.user)]
  const [first, ...others] = await db.query<Case>(
    `with counted as (
       select r.${key} as key, min(m.${mUser}::text) filter (where m.${mUser}::text <> r.${owner}::text) as member, count(*)::int as members
       from ${r} r join ${m} m on m.${mResource} = r.${key}
       group by r.${key} having count(*) between 2 and 500
     ),
     sample as (select * from counted where member is not null order by md5(key::text || $1) limit 3)
     select s.key::text as key, s.member, s.members, (
       select u.id::text from auth.users u
       where not exists (select from ${m} m where m.${mResource} = s.key and m.${mUser}::text = u.id::text)
         and not exists (select from ${r} r where r.${key} = s.key and r.${owner}::text = u.id::text)
       order by md5(u.id::text || $1) limit 1
     ) as stranger
     from sample s`,
    [String(seed)],
  )
  return first === undefined ? skip('there is no resource with a member who does not own it') : [first, ...others]
}

async function count(
  answer: PromiseLike<{ count: number | null; error: { code: string } | null; status: number }>,
): Promise<number> {
  const { count: rows, error, status } = await answer
  if (error !== null) throw new Error(`The Data API answered ${status} ${error.code}.`)
  return rows ?? 0
}
