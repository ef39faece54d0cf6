import { describe, expect, needs, quoted, type SuiteFixtures } from '#suite'

const test = needs('reminders')

const day = 86_400_000

describe('reminders', () => {
  test('a due invitation is reminded once, however often the job runs', async ({ app, db, mailbox, seed, service }) => {
    const { function: job, afterDays } = app.reminders
    const email = await invitationOf(app.reminders, db, seed, (afterDays[0] ?? 0) * day + day / 24)
    await mailbox.clear()
    expect(await run(service, job), 'answer of the first run').toBe('ok')
    const mails = async () =>
      (await mailbox.all()).filter(({ to }) => to.some((one) => one.toLowerCase() === email)).length
    expect(await mails(), 'reminders after the first run').toBe(1)
    expect(await run(service, job), 'answer of the second run').toBe('ok')
    expect(await mails(), 'reminders after the second run').toBe(1)
  })

  test('two runs at once remind once', async ({ app, db, mailbox, seed, service }) => {
    const { function: job, afterDays } = app.reminders
    const email = await invitationOf(app.reminders, db, seed + 1, (afterDays.at(-1) ?? 0) * day + day / 24)
    await mailbox.clear()
    const answers = await Promise.all([run(service, job), run(service, job)])
    expect(answers, 'answers of both runs').toEqual(['ok', 'ok'])
    const mails = (await mailbox.all()).filter(({ to }) => to.some((one) => one.toLowerCase() === email))
    expect(mails.length, 'reminders').toBe(1)
  })

  test('a fresh invitation is not reminded', async ({ app, db, mailbox, seed, service }) => {
    const email = await invitationOf(app.reminders, db, seed + 2, day / 24)
    await mailbox.clear()
    expect(await run(service, app.reminders.function), 'answer of the run').toBe('ok')
    const mails = (await mailbox.all()).filter(({ to }) => to.some((one) => one.toLowerCase() === email))
    expect(mails.length, 'reminders').toBe(0)
  })

  test('a visitor cannot start the job', async ({ app, anon, mailbox }) => {
    await mailbox.clear()
    expect(await run(anon, app.reminders.function), 'answer of the run').toBe('FunctionsHttpError')
    expect((await mailbox.all()).length, 'mails').toBe(0)
  })
})

async function run(client: SuiteFixtures['anon'], name: string): Promise<string> {
  const { error } = await client.functions.invoke(name, { body: {} })
  return error === null ? 'ok' : String(error.name)
}

/**
 * Takes an invitation and moves it in time as a whole, so that it was made `age` milliseconds ago and expires as much
 * later as it did; open, and to an address of its own, which is returned.
 */
async function invitationOf(
  { table, key, email, status, pending, invitedAt }: Required<SuiteFixtures['app']>['reminders'],
  db: SuiteFixtures['db'],
  seed: number,
  age: number,
): Promise<string> {
  const address = `delivered+greenlight-reminder-${seed}@resend.dev`
  const instants = await db.query<{ name: string }>(
    `select attname as name from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and atttypid = 'timestamptz'::regtype
       and attgenerated = ''`,
    [quoted(table)],
  )
  const moved = instants.map(({ name }) => `${quoted(name)} = ${quoted(name)} + chosen.delta`)
  const [changed] = await db.query<{ rows: number }>(
    `with chosen as (
       select ${quoted(key)} as key, now() - make_interval(secs => $4) - ${quoted(invitedAt)} as delta
       from ${quoted(table)} order by md5(${quoted(key)}::text || $3) limit 1
     ),
     changed as (
       update ${quoted(table)} set ${[...moved, `${quoted(email)} = $1`, `${quoted(status)} = $2`].join(', ')}
       from chosen where ${quoted(key)} = chosen.key returning 1
     )
     select count(*)::int as rows from changed`,
    [address, pending, String(seed), age / 1000],
  )
  expect(changed?.rows, 'an invitation to try with').toBe(1)
  return address
}
