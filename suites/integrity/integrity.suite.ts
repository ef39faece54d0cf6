import { configured, describe, expect, needs, quoted } from '#suite'

const withProfile = needs('profile')
const withResource = needs('resource')
const withMembership = needs('resource', 'membership')
const withShared = needs('resource', 'shared')
const withRules = needs('integrity')

describe('integrity', () => {
  withProfile('every user has a profile', async ({ app, db }) => {
    const { table, user } = app.profile
    const [row] = await db.query<{ missing: number }>(`
      select count(*)::int as missing from auth.users u
      where not exists (select from ${quoted(table)} p where p.${quoted(user)}::text = u.id::text)`)
    expect(row?.missing, 'users without a profile').toBe(0)
  })

  withProfile('every profile has its user, and no user has two', async ({ app, db }) => {
    const { table, user } = app.profile
    const [row] = await db.query<{ orphans: number; doubled: number }>(`
      select count(*) filter (where u.id is null)::int as orphans,
        (count(p.${quoted(user)}) - count(distinct p.${quoted(user)}))::int as doubled
      from ${quoted(table)} p left join auth.users u on u.id::text = p.${quoted(user)}::text`)
    expect(row?.orphans, 'profiles without a user').toBe(0)
    expect(row?.doubled, 'profiles beyond the first of a user').toBe(0)
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
           and m.${quoted(membership.user)}::text = r.${quoted(resource.owner)}::text
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

  withMembership('everybody with a role is a user, and has one role in a resource', async ({ app, db }) => {
    const { table, user, resource } = app.membership
    const [row] = await db.query<{ orphans: number; doubled: number }>(`
      select count(*) filter (where u.id is null)::int as orphans,
        (count(*) - count(distinct (m.${quoted(user)}, m.${quoted(resource)})))::int as doubled
      from ${quoted(table)} m left join auth.users u on u.id::text = m.${quoted(user)}::text`)
    expect(row?.orphans, 'roles without a user').toBe(0)
    expect(row?.doubled, 'roles beyond the first in one resource').toBe(0)
  })

  withMembership('every owner is a user', async ({ app, db }) => {
    const { table, owner } = app.resource
    const [row] = await db.query<{ orphans: number }>(`
      select count(*)::int as orphans from ${quoted(table)} r
      where r.${quoted(owner)} is not null and not exists (select from auth.users u where u.id::text = r.${quoted(owner)}::text)`)
    expect(row?.orphans, 'owners who are no user').toBe(0)
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

// Where a rule is broken on both sides, the report says how often on each: what is old is told apart from what is new.
describe('rules of the contract', () => {
  const { unique = [], references = [], checks = [] } = configured().integrity ?? {}

  withRules('are there', async ({ app }) => {
    const { unique: u = [], references: r = [], checks: c = [] } = app.integrity
    expect(u.length + r.length + c.length, 'rules').toBeGreaterThan(0)
  })

  for (const { table, columns, ignoresCase = false } of unique) {
    const text = (column: string) => (ignoresCase ? `lower(${quoted(column)}::text)` : quoted(column))
    withRules(`${table} (${columns.join(', ')}) is unique${ignoresCase ? ', in any case' : ''}`, async ({ db }) => {
      const [row] = await db.query<{ doubled: number }>(`
        select coalesce(sum(times - 1), 0)::int as doubled from (
          select count(*) as times from ${quoted(table)}
          where ${columns.map((column) => `${quoted(column)} is not null`).join(' and ')}
          group by ${columns.map(text).join(', ')} having count(*) > 1) doubled`)
      expect(row?.doubled, `rows of ${table} that repeat another`).toBe(0)
    })
  }

  for (const { table, column, in: target, key } of references) {
    withRules(`every ${column} of ${table} is in ${target} (${key})`, async ({ db }) => {
      const [row] = await db.query<{ orphans: number }>(`
        select count(*)::int as orphans from ${quoted(table)} t
        where t.${quoted(column)} is not null
          and not exists (select from ${quoted(target)} o where o.${quoted(key)} = t.${quoted(column)})`)
      expect(row?.orphans, `orphans in ${table}`).toBe(0)
    })
  }

  for (const { table, rule, holds } of checks) {
    withRules(`${table}: ${rule}`, async ({ db }) => {
      const [row] = await db.query<{ broken: number }>(
        `select count(*)::int as broken from ${quoted(table)} where not (${holds})`,
      )
      expect(row?.broken, `rows of ${table} that break the rule`).toBe(0)
    })
  }
})
