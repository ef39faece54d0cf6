import {
  type Actor,
  test as anyApp,
  type Cast,
  castOf,
  column,
  configured,
  describe,
  ensureRow,
  expect,
  type Fixtures,
  from,
  madeRow,
  needs,
  type Outcome,
  type Picked,
  pickUsers,
  quoted,
  resourceKeys,
  tried,
} from '#suite'

const test = needs('resource', 'membership', 'access')

const commands = ['select', 'insert', 'update', 'delete'] as const
/** Resources tried for each table and command, picked by the seed. */
const sample = 2

describe('who may do what, as the contract says', () => {
  // One test for each table and command, whose message names each actor that differs from the contract.
  for (const entry of configured().access?.tables ?? [undefined]) {
    for (const command of commands) {
      test(`${command} on ${entry?.table ?? 'every table'}, in ${sample} resources`, async ({
        app,
        db,
        seed,
        skip,
      }) => {
        if (entry === undefined) return
        const complaints: string[] = []
        let told = 0
        for (const [key, users] of await picked(app, db, seed)) {
          await db.rolledBack(async (session) => {
            const cast = await castOf(session, app, key, users)
            await ensureRow(session, entry, cast)
            for (const actor of cast.actors) {
              const outcome = await tried(session, entry, command, cast, actor)
              if (outcome.of > 0) told += 1
              complaints.push(...complaint(outcome, entry, command, cast, actor))
            }
          })
        }
        if (told === 0) skip(`there is no row of ${entry.table} to try with, and none could be made`)
        expect(complaints.length, said(complaints)).toBe(0)
      })
    }
  }
})

let resources: Promise<readonly (readonly [string, readonly Picked[]])[]> | undefined

/** The resources, each with its users: the same for every test above, since each undoes what it did. */
function picked(app: App, db: Fixtures['db'], seed: number) {
  resources ??= resourceKeys(db, app, seed, sample).then((keys) =>
    Promise.all(keys.map(async (key) => [key, await pickUsers(db, app, key, seed)] as const)),
  )
  return resources
}

type Entry = Fixtures<'access'>['app']['access']['tables'][number]

function complaint(
  { rows, of, code }: Outcome,
  { table, may }: Entry,
  command: (typeof commands)[number],
  cast: Cast,
  actor: Actor,
): string[] {
  const who = `${actor.is} ${actor.id ?? ''} ${command} ${table} of ${cast.resource}`.replace('  ', ' ')
  if (code !== undefined && !refusals.includes(code)) return [`${who}: ended with SQLSTATE ${code}`]
  const isAllowed = may[actor.is]?.includes(command) ?? false
  if (isAllowed)
    return rows === of
      ? []
      : [`${who}: only ${rows} of ${of} rows, may all${code === undefined ? '' : ` (SQLSTATE ${code})`}`]
  return rows === 0 ? [] : [`${who}: ${rows} of ${of} rows, may none`]
}

/** The first of them, and how many more there are. */
function said(complaints: readonly string[]): string {
  const more = complaints.length - 8
  return [...complaints.slice(0, 8), ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}

/** No privilege or against a policy; refused by a trigger. */
const refusals = ['42501', 'P0001']

describe('access to a resource', () => {
  test('ends with the membership, at once', async ({ app, as, db, seed, skip }) => {
    const { membership } = app
    const { key, member } = (await memberOf(app, db, seed)) ?? (await newMember(app, db, seed, skip))
    const client = await as({ id: member })
    const seen = async () =>
      (await from(client, app.resource.table).select(column(app.resource.key)).eq(column(app.resource.key), key)).data
        ?.length
    expect(await seen(), `rows of ${app.resource.table} for member ${member}`).toBe(1)
    await db.query(
      `delete from ${quoted(membership.table)} where ${quoted(membership.resource)}::text = $1 and ${quoted(membership.user)}::text = $2`,
      [key, member],
    )
    expect(await seen(), `rows of ${app.resource.table} for ${member}, removed from ${key}`).toBe(0)
    for (const { table, resource, may } of app.access.tables) {
      if (resource === undefined || may.removed?.includes('select')) continue
      const { data, error } = await from(client, table).select(column(resource)).eq(column(resource), key)
      expect(refusals.includes(error?.code ?? '42501'), `SQLSTATE ${error?.code} of reading ${table}`).toBe(true)
      expect(data?.length ?? 0, `rows of ${table} for ${member}, removed from ${key}`).toBe(0)
    }
  })

  test('is not had by guessing ids of members', async ({ app, as, db, seed }) => {
    const { membership } = app
    for (const key of await resourceKeys(db, app, seed, sample)) {
      const { stranger, people } = await db.rolledBack(async (session) => {
        const cast = await castOf(session, app, key, await pickUsers(session, app, key, seed))
        return { stranger: cast.newcomer, people: cast.people }
      })
      await db.query(`delete from ${quoted(membership.table)} where ${quoted(membership.user)}::text = $1`, [stranger])
      const client = await as({ id: stranger })
      const { data, error } = await from(client, membership.table)
        .select(column(membership.user))
        .in(column(membership.user), people.slice(0, 100))
      expect(error?.code, 'SQLSTATE of the query').toBeUndefined()
      expect(data?.length, `members of ${key}, guessed by stranger ${stranger}`).toBe(0)
    }
  })

  test('is whole with the service key', async ({ app, service, db }) => {
    for (const { table } of app.access.tables) {
      const [truth] = await db.query<{ rows: number }>(`select count(*)::int as rows from ${quoted(table)}`)
      const { count, error } = await from(service, table).select('*', { count: 'exact', head: true })
      expect(error?.code, `SQLSTATE of reading ${table}`).toBeUndefined()
      expect(count, `rows of ${table} with the service key`).toBe(truth?.rows)
    }
  })
})

describe('policies', () => {
  anyApp('lead back to themselves for nobody', async ({ db }) => {
    const [user] = await db.query<{ id: string }>('select id::text from auth.users order by id limit 1')
    const tables = await db.query<{ name: string; column: string }>(`
      select format('%I.%I', n.nspname, c.relname) as name,
        (select quote_ident(attname) from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped
          and attgenerated = '' and attidentity <> 'a' order by attnum limit 1) as column
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and c.relrowsecurity and n.nspname !~ '^pg_'
        and has_schema_privilege('authenticated', n.oid, 'usage')
      order by n.nspname collate "C", c.relname collate "C"`)
    const recursive: string[] = []
    for (const role of ['anon', 'authenticated']) {
      await db.rolledBack(async (session) => {
        const claims = JSON.stringify({ role, ...(role === 'anon' ? {} : { sub: user?.id }) })
        for (const { name, column } of tables) {
          for (const sql of [
            `select from ${name}`,
            `insert into ${name} default values`,
            ...(column === null ? [] : [`update ${name} set ${column} = ${column}`]),
            `delete from ${name}`,
          ]) {
            await session.query('savepoint policy')
            await session.query(`select set_config('request.jwt.claims', $1, true), set_config('role', $2, true)`, [
              claims,
              role,
            ])
            // Recursion is found while the statement is planned; nothing is run.
            await session.query(`explain ${sql}`).catch((error: unknown) => {
              if (Object(error).code === '42P17') recursive.push(`${role} ${sql.split(' ')[0]} ${name}`)
            })
            await session.query('rollback to savepoint policy')
          }
        }
      })
    }
    expect(recursive.length, recursive.join('; ')).toBe(0)
  })
})

type App = Fixtures<'resource' | 'membership' | 'access'>['app']
type Member = { key: string; member: string }

async function memberOf({ resource, membership }: App, db: Fixtures['db'], seed: number): Promise<Member | undefined> {
  const [found] = await db.query<Member>(
    `select m.${quoted(membership.resource)}::text as key, m.${quoted(membership.user)}::text as member
     from ${quoted(membership.table)} m
     join ${quoted(resource.table)} r on r.${quoted(resource.key)} = m.${quoted(membership.resource)}
     where r.${quoted(resource.owner)}::text <> m.${quoted(membership.user)}::text
     order by md5(m.${quoted(membership.resource)}::text || m.${quoted(membership.user)}::text || $1), 1, 2 limit 1`,
    [String(seed)],
  )
  return found
}

/** For a database in which every member owns what he is in. */
async function newMember(app: App, db: Fixtures['db'], seed: number, skip: (reason: string) => never): Promise<Member> {
  const { table, resource, user, role, roles, ownerRole } = app.membership
  const [key] = await resourceKeys(db, app, seed, 1)
  if (key === undefined) return skip(`there is no row of ${app.resource.table} with an owner`)
  const member = (
    await db.rolledBack(async (session) => castOf(session, app, key, await pickUsers(session, app, key, seed)))
  ).newcomer
  const weaker = roles.find((name) => name !== ownerRole) ?? ownerRole
  await madeRow(db, table, { [resource]: key, [user]: member, [role]: weaker }, user)
  return { key, member }
}
