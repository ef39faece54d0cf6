import { describe, expect, needs, quoted } from '#suite'

const withProfile = needs('profile')
const withResource = needs('resource')
const withMembership = needs('resource', 'membership')
const withShared = needs('resource', 'shared')

describe('integrity', () => {
  withProfile('every user has a profile', async ({ app, db }) => {
    const { table, user } = app.profile
    const [row] = await db.query<{ missing: number }>(`
      select count(*)::int as missing from auth.users u
      where not exists (select from ${quoted(table)} p where p.${quoted(user)} = u.id)`)
    expect(row?.missing, 'users without a profile').toBe(0)
  })

  withProfile('every profile has a name', async ({ app, db, skip }) => {
    const { table, name } = app.profile
    if (name === undefined) return skip('not configured: contracts.profile.name')
    const [row] = await db.query<{ missing: number }>(`
      select count(*)::int as missing from ${quoted(table)} where nullif(btrim(${quoted(name)}), '') is null`)
    expect(row?.missing, 'profiles without a name').toBe(0)
  })

  withMembership('every owner has the owner’s role', async ({ app, db }) => {
    const { resource, membership } = app
    const [row] = await db.query<{ missing: number }>(
      `select count(*)::int as missing from ${quoted(resource.table)} r
       where r.${quoted(resource.owner)} is not null and not exists (
         select from ${quoted(membership.table)} m
         where m.${quoted(membership.resource)} = r.${quoted(resource.key)}
           and m.${quoted(membership.user)} = r.${quoted(resource.owner)}
           and m.${quoted(membership.role)}::text = $1)`,
      [membership.ownerRole],
    )
    expect(row?.missing, 'owners without the role').toBe(0)
  })

  withMembership('nobody has a role in what does not exist, and none that is unknown', async ({ app, db }) => {
    const { resource, membership } = app
    const [row] = await db.query<{ orphans: number; unknown: number }>(
      `select
         count(*) filter (where r.${quoted(resource.key)} is null)::int as orphans,
         count(*) filter (where m.${quoted(membership.role)}::text <> all ($1::text[]))::int as unknown
       from ${quoted(membership.table)} m
       left join ${quoted(resource.table)} r on r.${quoted(resource.key)} = m.${quoted(membership.resource)}`,
      [membership.roles],
    )
    expect(row?.orphans, 'roles without their resource').toBe(0)
    expect(row?.unknown, 'unknown roles').toBe(0)
  })

  withShared('every row that belongs to a resource has it', async ({ app, db }) => {
    const { resource, shared } = app
    for (const { table, resource: column } of shared) {
      const [row] = await db.query<{ orphans: number }>(`
        select count(*)::int as orphans from ${quoted(table)} t
        where t.${quoted(column)} is not null and not exists (
          select from ${quoted(resource.table)} r where r.${quoted(resource.key)} = t.${quoted(column)})`)
      expect(row?.orphans, `orphans in ${table}`).toBe(0)
    }
  })

  withResource('nothing ends before it starts', async ({ app, db, skip }) => {
    const { table, startsAt, endsAt } = app.resource
    if (startsAt === undefined || endsAt === undefined)
      return skip('not configured: contracts.resource.startsAt and endsAt')
    const [row] = await db.query<{ wrong: number }>(
      `select count(*)::int as wrong from ${quoted(table)} where ${quoted(endsAt)} < ${quoted(startsAt)}`,
    )
    expect(row?.wrong, 'rows that end before they start').toBe(0)
  })
})
