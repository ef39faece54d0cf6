import {
  closeInvitation,
  configured,
  describe,
  expect,
  expectMails,
  harm,
  invited,
  type MailFault,
  mailsTo,
  needs,
  neverBoth,
  newcomers,
  type SuiteFixtures,
} from '#suite'

const test = needs('reminders')

const hoursOfDay = 24

describe('reminders, day by day', () => {
  test('the first run after the deploy does not remind too many at once', async ({
    app,
    mailbox,
    remark,
    service,
    skip,
  }) => {
    await mailbox.clear()
    expect(await answerOf(service, app.reminders.function), 'answer of the run').toBe('ok')
    const mails = (await mailbox.all()).filter((mail) => mail.function === app.reminders.function).length
    const most = app.reminders.mostOnFirstRun
    if (most === undefined)
      return skip(`not configured: contracts.reminders.mostOnFirstRun, and the first run sends ${mails} mails`)
    remark(`The first run after the deploy sends ${mails} ${mails === 1 ? 'mail' : 'mails'}.`)
    harm('mail.over-limit', () => expect(mails, 'mails of the first run').toBeLessThanOrEqual(most))
  })

  test('each invitation is reminded on its days and on no other, by a job that runs daily', async ({
    app,
    advance,
    db,
    mailbox,
    seed,
    service,
  }) => {
    const { function: job, afterDays } = app.reminders
    const days = Array.from({ length: Math.max(30, ...afterDays) }, (_, day) => day)
    const addresses = await invited(
      db,
      app.reminders,
      `day-${seed}`,
      days.map((day) => ({ name: `${day}`, age: day * hoursOfDay + 1 })),
    )
    await run(service, job)
    let passed = 0
    const [first = 0, second = first + 1] = afterDays.toSorted((one, other) => one - other)
    for (const step of [1, Math.max(1, second - first)]) {
      await advance(`${step} days`)
      passed += step
      await mailbox.clear()
      await run(service, job)
      const mails = await mailsTo(mailbox, addresses)
      const wrong = days.flatMap((day, at) => {
        const age = day + passed
        const due = afterDays.includes(age)
        // What became due on a day without a run may still be told, or not: the contract does not say.
        const late = afterDays.some((one) => one > age - step && one < age)
        const ok = due ? mails[at] === 1 : late ? (mails[at] ?? 0) <= 1 : mails[at] === 0
        return ok ? [] : [`${age} days old: ${mails[at]} reminders`]
      })
      expect(
        wrong.length,
        `wrong counts of reminders after ${passed} ${passed === 1 ? 'day' : 'days'}: ${wrong.join(', ')}`,
      ).toBe(0)
      const before = await mailsTo(mailbox, addresses)
      await run(service, job)
      expectMails(await mailsTo(mailbox, addresses), before, 'reminders after a second run on the same day')
    }
  })

  test('nobody is reminded of an invitation that is answered, taken back or expired', async ({
    app,
    db,
    mailbox,
    seed,
    service,
    skip,
  }) => {
    const { closed = [], expiresAt, afterDays } = app.reminders
    if (closed.length === 0 && expiresAt === undefined)
      return skip('not configured: contracts.reminders.closed, contracts.reminders.expiresAt')
    const age = (afterDays[0] ?? 0) * hoursOfDay + 1
    const addresses = await invited(db, app.reminders, `closed-${seed}`, [
      { name: 'open', age },
      ...closed.map((status, at) => ({ name: `closed-${at}`, age, status })),
      ...(expiresAt === undefined ? [] : [{ name: 'expired', age, expired: true }]),
    ])
    await mailbox.clear()
    await run(service, app.reminders.function)
    const mails = await mailsTo(mailbox, addresses)
    expectMails(mails.slice(0, 1), [1], 'reminders of the one that is open')
    const labels = [...closed, ...(expiresAt === undefined ? [] : ['expired'])]
    const reminded = labels.filter((_, at) => mails[at + 1] !== 0)
    harm('mail.wrong-recipient', () => expect(reminded.length, `reminders of others: ${reminded.join(', ')}`).toBe(0))
  })

  test('nobody is reminded any more once the invitation is closed, between two days or while its mail waits', async ({
    app,
    advance,
    db,
    mailbox,
    seed,
    service,
    skip,
  }) => {
    const { closed = [], afterDays, function: job } = app.reminders
    if (closed.length === 0) return skip('not configured: contracts.reminders.closed')
    const [first = 0, second] = afterDays.toSorted((one, other) => one - other)
    const age = first * hoursOfDay + 1
    const names = closed.map((_, at) => `${at}`)
    const addresses = await invited(
      db,
      app.reminders,
      `mid-life-${seed}`,
      ['open', ...names].map((name) => ({ name, age })),
    )
    await mailbox.clear()
    await run(service, job)
    expectMails(
      await mailsTo(mailbox, addresses),
      addresses.map(() => 1),
      'reminders while all are open',
    )
    const waiting = await invited(
      db,
      app.reminders,
      `waiting-${seed}`,
      names.map((name) => ({ name, age })),
    )
    for (const recipient of waiting) await mailbox.fault({ kind: 'error', status: 500, recipient, times: null })
    await answerOf(service, job)
    for (const [at, status] of closed.entries())
      for (const address of [addresses[at + 1] ?? '', waiting[at] ?? ''])
        await closeInvitation(db, app.reminders, address, status)
    await mailbox.clearFaults()
    await run(service, job)
    const waited = await mailsTo(mailbox, waiting)
    const told = closed.filter((_, at) => waited[at] !== 0)
    harm('mail.wrong-recipient', () =>
      expect(told.length, `reminders of what was closed while its mail waited: ${told.join(', ')}`).toBe(0),
    )
    if (second === undefined) return
    await advance(`${second - first} days`)
    await mailbox.clear()
    await run(service, job)
    const [open, ...others] = await mailsTo(mailbox, addresses)
    expectMails([open ?? 0], [1], 'reminders of the one that is still open')
    const reminded = closed.filter((_, at) => others[at] !== 0)
    harm('mail.wrong-recipient', () =>
      expect(reminded.length, `reminders of what was closed meanwhile: ${reminded.join(', ')}`).toBe(0),
    )
  })
})

const onboardingTest = needs('onboarding', 'profile')

describe('onboarding mails', () => {
  onboardingTest(
    'come once each, in order, and end for a user who left',
    async ({ app, advance, db, mailbox, seed, service }) => {
      const { function: job, afterDays } = app.onboarding
      const users = await newcomers(db, app.profile, `${seed}`, ['stays', 'leaves'])
      const [staying = '', leaving = ''] = users.map(({ address }) => address)
      const subjects: string[] = []
      let passed = 0
      for (const [at, days] of afterDays.entries()) {
        if (days > passed) await advance(`${days - passed} days`)
        passed = days
        await mailbox.clear()
        // On one day, and at once.
        await Promise.all([run(service, job), run(service, job)])
        await run(service, job)
        const [stays, left] = await mailsTo(mailbox, [staying, leaving])
        expectMails([stays ?? 0], [1], `mails on day ${days} to a new user`)
        expectMails(
          [left ?? 0],
          [at === 0 ? 1 : 0],
          `mails on day ${days} to a user who ${at === 0 ? 'is new' : 'left'}`,
        )
        subjects.push((await mailbox.all()).find((mail) => mail.to.includes(staying))?.subject ?? '')
        if (at === 0) await db.query('update auth.users set deleted_at = now() where lower(email) = $1', [leaving])
      }
      expect(new Set(subjects).size, 'different mails').toBe(afterDays.length)
      await advance('1 day')
      await mailbox.clear()
      await run(service, job)
      expectMails(await mailsTo(mailbox, [staying, leaving]), [0, 0], 'mails when all were sent')
    },
    // Functions start anew with each day.
    120_000,
  )
})

const failures: readonly { readonly says: string; readonly fault: MailFault }[] = [
  { says: 'fails with 500', fault: { kind: 'error', status: 500 } },
  { says: 'breaks the connection after it took the mails', fault: { kind: 'drop', when: 'after' } },
]

describe('onboarding mails, when the mail service', () => {
  for (const [at, { says, fault }] of failures.entries()) {
    onboardingTest(
      `${says}: no mail twice and none lost, before and after it in the same run`,
      async ({ app, db, mailbox, seed, service }) => {
        const users = await newcomers(db, app.profile, `${at}-${seed}`, ['first', 'second'])
        const addresses = users.map(({ address }) => address)
        await mailbox.clear()
        await mailbox.fault({ ...fault, recipient: addresses[0] ?? '' })
        await answerOf(service, app.onboarding.function)
        await mailbox.clearFaults()
        await run(service, app.onboarding.function)
        expectMails(await mailsTo(mailbox, addresses), [1, 1], 'mails after the next run', 'mail.lost-on-failure')
        await run(service, app.onboarding.function)
        expectMails(await mailsTo(mailbox, addresses), [1, 1], 'mails after one more run', 'mail.lost-on-failure')
      },
    )
  }
})

describe('onboarding mails, when they come by two functions', () => {
  for (const [at, old] of (configured().onboarding?.replaces ?? []).entries()) {
    onboardingTest(
      `${old.function}, which the job replaces, still answers, and never sends beside it`,
      async ({ app, db, mailbox, seed, service }) => {
        const { function: job, afterDays } = app.onboarding
        const age = (afterDays[0] ?? 0) * hoursOfDay + 1
        await neverBoth({ mailbox, service }, job, old, async (turn) => {
          const [user] = await newcomers(db, app.profile, `${at}-${seed}`, [turn], age)
          return { user: user?.id ?? '', address: user?.address ?? '' }
        })
      },
    )
  }
})

async function answerOf(client: SuiteFixtures['anon'], name: string): Promise<string> {
  const { error } = await client.functions.invoke(name, { body: {} })
  return error === null ? 'ok' : String(error.name)
}

async function run(client: SuiteFixtures['anon'], name: string): Promise<void> {
  expect(await answerOf(client, name), 'answer of the run').toBe('ok')
}
