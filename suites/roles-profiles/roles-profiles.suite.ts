import { describe, expect, from, needs, quoted, type SuiteFixtures } from '#suite'

const test = needs('resource', 'membership', 'profile')

/** A resource with several members, and one of them who is not its owner. */
type Case = { key: string; member: string; people: number }

describe('the two-step query: roles first, profiles second', () => {
  test('a collaborator gets the profile of every member', async ({ app, as, db, seed }) => {
    for (const { key, member, people } of await cases(app, db, seed)) {
      const { members, profiles } = await twoSteps(await as({ id: member }), app, key)
      expect(members, `members of ${key}, as seen by ${member}`).toBe(people)
      expect(profiles, `profiles of the members of ${key}, as seen by ${member}`).toBe(people)
    }
  })

  test('the service key gets the profile of every member', async ({ app, service, db, seed }) => {
    for (const { key, people } of await cases(app, db, seed)) {
      const { members, profiles } = await twoSteps(service, app, key)
      expect(members, `members of ${key}`).toBe(people)
      expect(profiles, `profiles of the members of ${key}`).toBe(people)
    }
  })

  test('everybody sees the own profile, who is not logged in sees none', async ({ app, as, anon, db, seed }) => {
    const { table, user } = app.profile
    for (const { member } of await cases(app, db, seed)) {
      const { data, error } = await from(await as({ id: member }), table)
        .select(user)
        .eq(user, member)
      expect(error?.code, 'SQLSTATE of the query').toBeUndefined()
      expect(data?.length, `own profiles of ${member}`).toBe(1)
    }
    const { count, error } = await from(anon, table).select('*', { count: 'exact', head: true })
    expect(error === null ? count : 0, 'profiles without a login').toBe(0)
  })
})

type App = Required<Pick<SuiteFixtures['app'], 'resource' | 'membership' | 'profile'>>

async function twoSteps(client: SuiteFixtures['anon'], { membership, profile }: App, key: string) {
  const roles = await from(client, membership.table).select(membership.user).eq(membership.resource, key)
  expect(roles.error?.code, 'SQLSTATE of the first query').toBeUndefined()
  const ids = [...new Set(rows(roles.data).map((row) => row[membership.user]))]
  const profiles = await from(client, profile.table).select(profile.user).in(profile.user, ids)
  expect(profiles.error?.code, 'SQLSTATE of the second query').toBeUndefined()
  return { members: ids.length, profiles: rows(profiles.data).length }
}

function cases({ resource, membership, profile }: App, db: SuiteFixtures['db'], seed: number): Promise<Case[]> {
  const [r, m, p] = [quoted(resource.table), quoted(membership.table), quoted(profile.table)]
  const [mResource, mUser] = [quoted(membership.resource), quoted(membership.user)]
  // The reader must have a profile: whoever has none is the integrity suite's case.
  return db.query<Case>(
    `select r.${quoted(resource.key)}::text as key, count(*)::int as people,
       min(m.${mUser}::text) filter (where m.${mUser} <> r.${quoted(resource.owner)} and p.${quoted(profile.user)} is not null) as member
     from ${r} r
     join ${m} m on m.${mResource} = r.${quoted(resource.key)}
     left join ${p} p on p.${quoted(profile.user)} = m.${mUser}
     group by 1
     having count(*) between 3 and 100
       and count(*) filter (where m.${mUser} <> r.${quoted(resource.owner)} and p.${quoted(profile.user)} is not null) > 0
     order by md5(r.${quoted(resource.key)}::text || $1) limit 4`,
    [String(seed)],
  )
}

function rows(data: unknown): Record<string, string>[] {
  return Array.isArray(data) ? data : []
}
