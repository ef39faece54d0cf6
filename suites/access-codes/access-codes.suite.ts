import { describe, expect, type Fixtures, madeRow, needs, quoted } from '#suite'

const test = needs('accessCodes')

const day = 86_400_000

describe('access codes', () => {
  test('a valid code is accepted, with a JSONB object as the answer', async ({ app, anon }) => {
    const { function: name, argument, validCode, validKey } = app.accessCodes
    const { data, error } = await anon.rpc(name, { [argument]: validCode })
    expect(error?.code, 'SQLSTATE of the call').toBeUndefined()
    expect(shapeOf(data)).toBe('object')
    expect(data[validKey] === true, `"${validKey}" in the answer`).toBe(true)
  })

  test('an unknown code is refused without an error', async ({ app, anon, seed }) => {
    const { function: name, argument, validKey } = app.accessCodes
    const { data, error } = await anon.rpc(name, { [argument]: `no-such-code-${seed}` })
    expect(error?.code, 'SQLSTATE of the call').toBeUndefined()
    // One row of a table, or the object itself: only the refusal matters here.
    const answer = Array.isArray(data) ? data[0] : data
    expect(answer?.[validKey] === true, `"${validKey}" in the answer`).toBe(false)
  })

  test('an empty code and a code of odd characters are refused without an error', async ({ app, anon }) => {
    const { function: name, argument, validKey } = app.accessCodes
    for (const code of ['', ' ', "'; --", '\u{1F511}']) {
      const { data, error } = await anon.rpc(name, { [argument]: code })
      expect(error?.code, 'SQLSTATE of the call').toBeUndefined()
      const answer = Array.isArray(data) ? data[0] : data
      expect(answer?.[validKey] === true, `"${validKey}" in the answer`).toBe(false)
    }
  })
})

/** The codes tried here are made for it, on this file's own clone: copies of the one that must be valid, but for what is named. */
describe('access codes of every kind', () => {
  test('a code with nothing against it is accepted, for visitors and for users', async ({
    app,
    db,
    anon,
    as,
    skip,
  }) => {
    const code = await newCode(app, db, tableOf(app, skip), {})
    for (const [who, client] of await callers(anon, as, db)) {
      expect(await answerTo(app, client, code), `answer to ${who}`).toBe('accepted')
    }
  })

  test('a code that expired is refused, one that will expire is not', async ({ app, db, anon, as, skip }) => {
    const table = tableOf(app, skip, 'expires')
    const past = await newCode(app, db, table, { [table.expires]: new Date(Date.now() - day).toISOString() })
    const future = await newCode(app, db, table, { [table.expires]: new Date(Date.now() + day).toISOString() })
    for (const [who, client] of await callers(anon, as, db)) {
      expect(await answerTo(app, client, past), `answer to ${who} for a code that expired`).toBe('refused')
      expect(await answerTo(app, client, future), `answer to ${who} for one that will expire`).toBe('accepted')
    }
  })

  test('a code that is switched off is refused', async ({ app, db, anon, as, skip }) => {
    const table = tableOf(app, skip, 'active')
    const code = await newCode(app, db, table, { [table.active]: false })
    for (const [who, client] of await callers(anon, as, db)) {
      expect(await answerTo(app, client, code), `answer to ${who}`).toBe('refused')
    }
  })

  test('a code that is used up is refused, and one use lets one in', async ({ app, db, anon, skip }) => {
    const table = tableOf(app, skip)
    const used = await newCode(app, db, table, withUsesLeft(table, 0, skip))
    const last = await newCode(app, db, table, withUsesLeft(table, 1, skip))
    expect(await answerTo(app, anon, used), 'answer for a code that is used up').toBe('refused')
    expect(await answerTo(app, anon, last), 'answer for one with a use left').toBe('accepted')
    expect(await answerTo(app, anon, last), 'answer for the same once more').toBe('refused')
  })

  test('ten at once on a code with one use left let one in', async ({ app, db, anon, skip }) => {
    const table = tableOf(app, skip)
    const code = await newCode(app, db, table, withUsesLeft(table, 1, skip))
    const answers = await tenAtOnce(db, table, code, () => answerTo(app, anon, code))
    expect(answers.filter((answer) => answer === 'accepted').length, 'let in').toBe(1)
    expect(answers.filter((answer) => answer === 'refused').length, 'refused').toBe(9)
  })

  test('a code in another case is treated as the contract says, else alike on both sides', async ({
    app,
    db,
    anon,
    observe,
    skip,
  }) => {
    const table = tableOf(app, skip)
    const code = await newCode(app, db, table, {})
    const answer = await answerTo(app, anon, code.toLowerCase())
    if (table.ignoresCase === undefined) observe('a code in another case', answer)
    else expect(answer, 'answer in lower case').toBe(table.ignoresCase ? 'accepted' : 'refused')
  })

  test('an accepted code leaves one visit, a refused one none', async ({ app, db, anon, skip }) => {
    const table = tableOf(app, skip, 'visits')
    const visitsOf = async (code: string) => {
      const { table: visits, code: column } = table.visits
      const sql = `select count(*)::int as rows from ${quoted(visits)} where ${quoted(column)}::text = $1`
      return (await db.query<{ rows: number }>(sql, [code]))[0]?.rows
    }
    const code = await newCode(app, db, table, {})
    expect(await answerTo(app, anon, code), 'answer').toBe('accepted')
    expect(await visitsOf(code), 'visits with the code').toBe(1)
    if (table.active === undefined) return
    const off = await newCode(app, db, table, { [table.active]: false })
    await answerTo(app, anon, off)
    expect(await visitsOf(off), 'visits with a code that is switched off').toBe(0)
  })

  test('nothing tells a code that is switched off from one that does not exist', async ({ app, db, anon, skip }) => {
    const table = tableOf(app, skip, 'active')
    const codes = { off: await newCode(app, db, table, { [table.active]: false }), unknown: newText() }
    const said = { off: new Set<string>(), unknown: new Set<string>() }
    const times: { off: number[]; unknown: number[] } = { off: [], unknown: [] }
    // One after the other, so that what slows the machine slows both.
    for (let round = 0; round < 9; round++) {
      for (const kind of ['off', 'unknown'] as const) {
        const started = performance.now()
        const { data, error } = await call(app, anon, codes[kind])
        times[kind].push(performance.now() - started)
        said[kind].add(JSON.stringify([error?.code, error?.message, data]).replaceAll(codes[kind], '{code}'))
      }
    }
    expect([...said.off].join() === [...said.unknown].join(), 'the same answer to both').toBe(true)
    const [quicker = 0, slower = 0] = [median(times.off), median(times.unknown)].sort((one, other) => one - other)
    expect(slower > 3 * quicker && slower - quicker > 15, 'the time of the answer tells them apart').toBe(false)
  })
})

/**
 * Ten calls that meet: the code's row is held until all of them wait for it, or have answered without. Where fewer wait
 * and no more come, it is let go soon: a role's statement_timeout (3 s for visitors) counts the waiting, too.
 */
async function tenAtOnce(
  db: Fixtures['db'],
  { table, code: column }: CodeTable,
  code: string,
  call: () => Promise<string>,
): Promise<string[]> {
  const { answers } = await db.rolledBack(async (session) => {
    await session.query(`select from ${quoted(table)} where ${quoted(column)}::text = $1 for no key update`, [code])
    let answered = false
    const all = Promise.all(Array.from({ length: 10 }, call)).finally(() => {
      answered = true
    })
    // At most 1.2 s, and 400 ms after the last one came.
    let [most, grown] = [0, 0]
    for (let round = 0; round < 48 && round - grown < 16 && !answered; round++) {
      const [found] = await db.query<{ waiting: number }>(
        `select count(*)::int as waiting from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock'`,
      )
      const waiting = found?.waiting ?? 0
      if (waiting === 10) break
      if (waiting > most || waiting === 0) [most, grown] = [waiting, round]
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    return { answers: all }
  })
  return answers
}

type App = Fixtures<'accessCodes'>['app']
type CodeTable = NonNullable<App['accessCodes']['codes']>
type Skip = (reason: string) => never

/** The contract's table of codes, with the columns that the test cannot do without. */
function tableOf<K extends keyof CodeTable = never>(
  { accessCodes: { codes } }: App,
  skip: Skip,
  ...keys: K[]
): CodeTable & Required<Pick<CodeTable, K>> {
  if (codes === undefined) return skip('not configured: contracts.accessCodes.codes')
  if (has(codes, keys)) return codes
  const missing = keys.filter((key) => codes[key] === undefined)
  return skip(`not configured: ${missing.map((key) => `contracts.accessCodes.codes.${key}`).join(', ')}`)
}

function has<K extends keyof CodeTable>(
  codes: CodeTable,
  keys: readonly K[],
): codes is CodeTable & Required<Pick<CodeTable, K>> {
  return keys.every((key) => codes[key] !== undefined)
}

function withUsesLeft({ usesLeft, uses, maxUses }: CodeTable, left: number, skip: Skip): Record<string, number> {
  if (usesLeft !== undefined) return { [usesLeft]: left }
  if (uses !== undefined && maxUses !== undefined) return { [uses]: 3 - left, [maxUses]: 3 }
  return skip('not configured: contracts.accessCodes.codes.usesLeft, or uses and maxUses')
}

/** A code that nobody has, with letters, so that it has a case. */
function newText(): string {
  return `GL${crypto.randomUUID().replaceAll('-', '').slice(0, 10).toUpperCase()}X`
}

/** A copy of the code that must be valid: accepted any number of times at any time, but for `changes`. */
async function newCode(
  { accessCodes }: App,
  db: Fixtures<never>['db'],
  { table, code, active, expires, usesLeft, uses, maxUses }: CodeTable,
  changes: Record<string, unknown>,
): Promise<string> {
  const [model] = await db.query<{ row: Record<string, unknown> }>(
    `select to_jsonb(t) - (
       select coalesce(array_agg(attname::text), '{}') from pg_attribute
       where attrelid = $2::regclass and attname <> $3 and (atthasdef or attidentity <> '')
         and attnum in (select unnest(conkey) from pg_constraint where conrelid = $2::regclass and contype in ('p', 'u'))
     ) as row from ${quoted(table)} t where ${quoted(code)}::text = $1`,
    [accessCodes.validCode, quoted(table), code],
  )
  const open = {
    ...(active === undefined ? {} : { [active]: true }),
    ...(expires === undefined ? {} : { [expires]: null }),
    ...(usesLeft === undefined ? {} : { [usesLeft]: null }),
    ...(uses === undefined ? {} : { [uses]: 0 }),
    ...(maxUses === undefined ? {} : { [maxUses]: 1000 }),
  }
  const text = newText()
  await madeRow(db, table, { ...model?.row, ...open, ...changes, [code]: text }, code)
  return text
}

async function callers(anon: Fixtures<never>['anon'], as: Fixtures<never>['as'], db: Fixtures<never>['db']) {
  const [user] = await db.query<{ id: string }>(
    'select id from auth.users where deleted_at is null order by id limit 1',
  )
  return [['a visitor', anon] as const, ...(user === undefined ? [] : [['a user', await as({ id: user.id })] as const])]
}

function call({ accessCodes: { function: name, argument } }: App, client: Fixtures<never>['anon'], code: string) {
  const [schema, routine] = name.includes('.') ? name.split('.') : ['public', name]
  return client.schema(schema ?? 'public').rpc(routine ?? name, { [argument]: code })
}

async function answerTo(app: App, client: Fixtures<never>['anon'], code: string): Promise<string> {
  const { data, error } = await call(app, client, code)
  if (error !== null) return `SQLSTATE ${error.code}`
  const answer: unknown = Array.isArray(data) ? data[0] : data
  const isAccepted = Object(answer)[app.accessCodes.validKey] === true
  return isAccepted ? 'accepted' : 'refused'
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0
}

function shapeOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value
}
