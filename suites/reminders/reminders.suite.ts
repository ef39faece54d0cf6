import {
  configured,
  describe,
  expect,
  expectMails,
  harm,
  invitationIds,
  invited,
  type MailFault,
  mailsTo,
  needs,
  neverBoth,
  notedAsSent,
  type SuiteFixtures,
} from '#suite'
import { isDaily, secretsIn } from '../schedule.ts'

const test = needs('reminders')

type Reminders = Required<SuiteFixtures['app']>['reminders']

type Trial = {
  readonly says: string
  readonly fault: MailFault
  /** Whether the mail is out when the first run ends. */
  readonly sent: 0 | 1
}

const trials: readonly Trial[] = [
  { says: 'it fails with 500', fault: { kind: 'error', status: 500 }, sent: 0 },
  { says: 'the connection breaks after it took the mails', fault: { kind: 'drop', when: 'after' }, sent: 1 },
]

/** The answer never comes: the function is killed meanwhile. */
const deaths: readonly Trial[] = [
  { says: 'has not taken the mails', fault: { kind: 'slow', milliseconds: 60_000 }, sent: 0 },
  { says: 'has just taken the mails', fault: { kind: 'slow', milliseconds: 60_000, accepted: true }, sent: 1 },
]

describe('reminders', () => {
  test('a due invitation is reminded once, however often the job runs, and however often at once', async ({
    app,
    db,
    mailbox,
    seed,
    service,
  }) => {
    const { function: job, afterDays } = app.reminders
    const addresses = await invited(db, app.reminders, `due-${seed}`, [
      { name: 'first', age: (afterDays[0] ?? 0) * 24 + 1 },
      { name: 'last', age: (afterDays.at(-1) ?? 0) * 24 + 1 },
    ])
    await mailbox.clear()
    // Slow, so that one run is still sending while the other looks.
    await mailbox.fault({ kind: 'slow', milliseconds: 300 })
    const answers = await Promise.all([run(service, job), run(service, job)])
    await mailbox.clearFaults()
    expect(answers, 'answers of two runs at once').toEqual(['ok', 'ok'])
    expectMails(await mailsTo(mailbox, addresses), [1, 1], 'reminders after two runs at once')
    expect(await run(service, job), 'answer of the next run').toBe('ok')
    expectMails(await mailsTo(mailbox, addresses), [1, 1], 'reminders after the next run')
  })

  test('a fresh invitation is not reminded', async ({ app, db, mailbox, seed, service }) => {
    const addresses = await invited(db, app.reminders, `fresh-${seed}`, [{ name: 'fresh', age: 1 }])
    await mailbox.clear()
    expect(await run(service, app.reminders.function), 'answer of the run').toBe('ok')
    expectMails(await mailsTo(mailbox, addresses), [0], 'reminders')
  })

  test('a visitor cannot start the job', async ({ app, anon, mailbox }) => {
    await mailbox.clear()
    expect(await run(anon, app.reminders.function), 'answer of the run').toBe('FunctionsHttpError')
    expect((await mailbox.all()).length, 'mails').toBe(0)
  })

  test('its job in the database is daily, and calls it with a key that it takes', async ({
    api,
    app,
    db,
    mailbox,
    seed,
    skip,
  }) => {
    const { job, function: name, secretsByHand = [] } = app.reminders
    if (job === undefined) return skip('not configured: contracts.reminders.job')
    const [there] = await db.query<{ present: boolean }>(`select to_regclass('cron.job') is not null as present`)
    expect(there?.present, 'pg_cron').toBe(true)
    const jobs = await db.query<{ schedule: string; command: string; active: boolean }>(
      'select schedule, command, active from cron.job where jobname = $1',
      [job],
    )
    expect(jobs.length, `jobs named ${job}`).toBe(1)
    const [{ schedule, command, active } = { schedule: '', command: '', active: false }] = jobs
    expect(active, 'the job is switched on').toBe(true)
    expect(isDaily(schedule), `the schedule ${schedule} is once a day`).toBe(true)
    const [address = ''] = await due(app.reminders, db, `job-${seed}`)
    const lacking = await lackingIn(db, secretsIn(command))
    const unknown = lacking.filter((name) => !secretsByHand.includes(name))
    expect(
      unknown.length,
      `secrets that the job reads and the vault of production does not have: ${unknown.join(', ')}; put them there before the deploy, or name them in contracts.reminders.secretsByHand`,
    ).toBe(0)
    await fillVault(db, lacking, api)
    await mailbox.clear()
    await db.query(command)
    const mail = await mailbox.waitFor(({ to }) => to.some((one) => one.toLowerCase() === address), {
      // The function starts cold; only a mail that never comes takes this long.
      milliseconds: 60_000,
    })
    expect(mail.function, 'the function that the job called').toBe(name)
  })

  for (const [at, old] of (configured().reminders?.replaces ?? []).entries()) {
    test(`${old.function}, which the job replaces, still answers, and never sends beside it`, async ({
      app,
      db,
      mailbox,
      seed,
      service,
    }) => {
      await neverBoth({ mailbox, service }, app.reminders.function, old, async (turn) => {
        const [address = ''] = await due(app.reminders, db, `${turn}-${at}-${seed}`)
        return { address, ...(await invitationIds(db, app.reminders, address)) }
      })
    })
  }
})

describe('reminders, when the mail service', () => {
  for (const [at, { says, fault, sent }] of trials.entries()) {
    test(`${says}: no mail twice, none lost, and none noted as sent that was not`, async ({
      app,
      db,
      mailbox,
      seed,
      service,
    }) => {
      const [address = ''] = await due(app.reminders, db, `fault-${at}-${seed}`)
      await mailbox.clear()
      await mailbox.fault({ ...fault, recipient: address })
      await run(service, app.reminders.function)
      await mailbox.clearFaults()
      expectMails(await mailsTo(mailbox, [address]), [sent], 'mails after the run that failed', 'mail.lost-on-failure')
      const noted = await notedAsSent(db, app.reminders, address)
      if (sent === 0) harm('mail.lost-on-failure', () => expect(noted, 'noted as sent without a mail').toBe(0))
      expect(await run(service, app.reminders.function), 'answer of the next run').toBe('ok')
      expectMails(await mailsTo(mailbox, [address]), [1], 'mails after the next run', 'mail.lost-on-failure')
      if (app.reminders.tracking !== undefined)
        expect(await notedAsSent(db, app.reminders, address), 'noted as sent after the mail').toBe(1)
      await run(service, app.reminders.function)
      expectMails(await mailsTo(mailbox, [address]), [1], 'mails after one more run', 'mail.lost-on-failure')
    })
  }

  for (const [at, { says, fault, sent }] of deaths.entries()) {
    test(`${says}, and the function is killed: no mail twice, none lost, and none noted as sent that was not`, async ({
      app,
      advance,
      db,
      killFunctions,
      mailbox,
      seed,
      service,
    }) => {
      const [address = ''] = await due(app.reminders, db, `killed-${at}-${seed}`)
      await mailbox.clear()
      await mailbox.fault({ ...fault, recipient: address })
      const answer = run(service, app.reminders.function)
      await mailbox.struck(answer)
      expect(await killFunctions(), 'functions that were killed').toBeGreaterThan(0)
      expect(await answer, 'answer of the run that was killed').toBe('FunctionsHttpError')
      expectMails(
        await mailsTo(mailbox, [address]),
        [sent],
        'mails after the run that was killed',
        'mail.lost-on-failure',
      )
      const noted = await notedAsSent(db, app.reminders, address)
      if (sent === 0) harm('mail.lost-on-failure', () => expect(noted, 'noted as sent without a mail').toBe(0))
      // On the same day of the invitation, and within the day for which Resend keeps its idempotency keys.
      await advance('20 hours')
      expect(await run(service, app.reminders.function), 'answer of the next run').toBe('ok')
      expectMails(await mailsTo(mailbox, [address]), [1], 'mails after the next run', 'mail.lost-on-failure')
      if (app.reminders.tracking !== undefined)
        expect(await notedAsSent(db, app.reminders, address), 'noted as sent after the mail').toBe(1)
      await run(service, app.reminders.function)
      expectMails(await mailsTo(mailbox, [address]), [1], 'mails after one more run', 'mail.lost-on-failure')
    })
  }

  test('is too busy: the mail waits and is not lost', async ({ app, db, mailbox, seed, service }) => {
    const [address = ''] = await due(app.reminders, db, `busy-${seed}`)
    await mailbox.clear()
    await mailbox.fault({ kind: 'rate-limit', retryAfter: 1, recipient: address })
    expect(await run(service, app.reminders.function), 'answer of the run').toBe('ok')
    await mailbox.clearFaults()
    expectMails(await mailsTo(mailbox, [address]), [1], 'mails', 'mail.lost-on-failure')
  })
})

function due(reminders: Reminders, db: SuiteFixtures['db'], salt: string): Promise<string[]> {
  return invited(db, reminders, salt, [{ name: 'due', age: (reminders.afterDays[0] ?? 0) * 24 + 1 }])
}

async function run(client: SuiteFixtures['anon'], name: string): Promise<string> {
  const { error } = await client.functions.invoke(name, { body: {} })
  return error === null ? 'ok' : String(error.name)
}

/** Those secrets that the vault does not have. */
async function lackingIn(db: SuiteFixtures['db'], names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return []
  const [there] = await db.query<{ present: boolean }>(`select to_regclass('vault.secrets') is not null as present`)
  if (!there?.present) return [...names]
  const rows = await db.query<{ name: string }>('select name from vault.secrets where name = any ($1)', [names])
  return names.filter((name) => !rows.some((row) => row.name === name))
}

/** Makes those secrets as they will be when they were put there by hand. */
async function fillVault(
  db: SuiteFixtures['db'],
  names: readonly string[],
  { url, anonKey, serviceKey }: SuiteFixtures['api'],
) {
  for (const name of names) {
    const value = /url/i.test(name) ? url : /service|secret/i.test(name) ? serviceKey : anonKey
    await db.query('select vault.create_secret($2, $1)', [name, value])
  }
}
