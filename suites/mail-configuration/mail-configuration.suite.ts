import {
  configured,
  describe,
  expect,
  expectMails,
  gather,
  harm,
  invited,
  kindsOf,
  type MailAccount,
  mailsTo,
  needs,
  notedAsSent,
  occur,
  type SuiteFixtures,
} from '#suite'

const test = needs('reminders')

type Wrong = {
  readonly says: string
  readonly environment?: Readonly<Record<string, string | null>>
  readonly account?: Partial<MailAccount>
}

const wrongs: readonly Wrong[] = [
  { says: 'RESEND_API_KEY is missing', environment: { RESEND_API_KEY: null } },
  { says: 'RESEND_API_KEY is empty', environment: { RESEND_API_KEY: '' } },
  { says: 'RESEND_API_KEY is one that Resend does not know', account: { apiKey: 'none' } },
  { says: 'the domain that mails come from is not verified', account: { verifiedDomains: [] } },
]
const right = { apiKey: 'full_access', verifiedDomains: 'any' } as const

describe('reminders, when', () => {
  for (const [at, { says, environment, account }] of wrongs.entries()) {
    test(`${says}: the function says so, sends nothing, notes nothing as sent, and loses nothing`, async ({
      app,
      db,
      mailbox,
      seed,
      service,
      setEnvironment,
    }) => {
      const { function: job, afterDays } = app.reminders
      const [address = ''] = await invited(db, app.reminders, `configuration-${at}-${seed}`, [
        { name: 'due', age: (afterDays[0] ?? 0) * 24 + 1 },
      ])
      await mailbox.clear()
      await mailbox.account(account ?? right)
      if (environment !== undefined) await setEnvironment(environment)
      const answer = await answerOf(service, job)
      const mails = (await mailbox.all()).length
      const sent = await notedAsSent(db, app.reminders, address)
      await mailbox.account(right)
      // As the project has it; every key is good to the double.
      if (environment !== undefined) await setEnvironment({ RESEND_API_KEY: 're_test_greenlight' })
      expect(mails, 'mails').toBe(0)
      harm('mail.lost-on-failure', () => expect(sent, 'noted as sent without a mail').toBe(0))
      expect(answer.status, 'status of the answer').toBeGreaterThanOrEqual(400)
      expect(answer.saysWhy, 'the answer says that something is wrong').toBe(true)
      expect((await answerOf(service, job)).status, 'status of the answer when it is mended').toBe(200)
      expectMails(await mailsTo(mailbox, [address]), [1], 'mails when it is mended', 'mail.lost-on-failure')
    })
  }

  test('RESEND_API_KEY may do nothing but send: the mails go out', async ({ app, db, mailbox, seed, service }) => {
    const { function: job, afterDays } = app.reminders
    const addresses = await invited(db, app.reminders, `restricted-${seed}`, [
      { name: 'due', age: (afterDays[0] ?? 0) * 24 + 1 },
    ])
    await mailbox.account({ apiKey: 'sending_access' })
    await answerOf(service, job)
    await mailbox.account(right)
    expectMails(await mailsTo(mailbox, addresses), [1], 'mails')
  })
})

const { membership } = configured()
const kinds = kindsOf(configured())
/** A kind for each function; and chat, whose limit may take a mail for sent. */
const chosen = kinds.filter(
  ([name, kind], at) =>
    name === 'chat-message' || at === kinds.findIndex(([, other]) => (other.function ?? '') === (kind.function ?? '')),
)
const notifying = needs('resource', 'membership', 'profile', 'notifications')

type Told = Pick<SuiteFixtures, 'as' | 'db' | 'mailbox' | 'seed'> & { readonly app: Required<Mailed> }
type Mailed = Pick<SuiteFixtures['app'], 'resource' | 'membership' | 'profile' | 'notifications'>

/** People, and for each kind what calls its function about something that happened just now. */
async function callers({ app, as, db, mailbox, seed }: Told) {
  const people = await gather(db, app, { size: (membership?.roles.length ?? 1) + 2, seed: seed + 7_000 })
  return chosen.flatMap(([name, kind]) => {
    const actor = people?.members.find(({ role }) => (kind.by ?? membership?.roles ?? []).includes(role))
    const person = people?.members.at(-1)
    if (people === undefined || actor === undefined || person === undefined || actor === person) return []
    const call = async () => {
      const { fill, wanted } = await occur(db, app, [name, kind], people, { actor, person })
      await mailbox.clear()
      const answer = await answerOf(await as(actor), kind.function ?? app.notifications.function, fill(kind.body))
      return { answer, mails: await mailsTo(mailbox, wanted), all: (await mailbox.all()).length }
    }
    return [{ name, call }]
  })
}

describe('notifications, when', () => {
  for (const { says, environment, account } of wrongs) {
    notifying(
      `${says}: the function says so, sends nothing, and loses nothing that comes later`,
      async ({ app, as, db, mailbox, seed, setEnvironment }) => {
        const told = await callers({ app, as, db, mailbox, seed })
        expect(told.length, 'kinds of notification with people whom mails reach').toBe(chosen.length)
        await mailbox.account(account ?? right)
        if (environment !== undefined) await setEnvironment(environment)
        const wrong: { name: string; answer: Answer; all: number }[] = []
        for (const { name, call } of told) wrong.push({ name, ...(await call()) })
        await mailbox.account(right)
        if (environment !== undefined) await setEnvironment({ RESEND_API_KEY: 're_test_greenlight' })
        for (const { name, answer, all } of wrong) {
          expect(all, `${name}: mails`).toBe(0)
          expect(answer.status, `${name}: status of the answer`).toBeGreaterThanOrEqual(400)
          expect(answer.saysWhy, `${name}: the answer says that something is wrong`).toBe(true)
        }
        for (const { name, call } of told) {
          const { answer, mails } = await call()
          expect(answer.status, `${name}: status of the answer when it is mended`).toBe(200)
          const lacking = mails.filter((count) => count === 0).length
          harm('mail.lost-on-failure', () =>
            expect(lacking, `${name}: recipients without a mail when it is mended`).toBe(0),
          )
        }
      },
    )
  }

  notifying('RESEND_API_KEY may do nothing but send: the mails go out', async ({ app, as, db, mailbox, seed }) => {
    const told = await callers({ app, as, db, mailbox, seed })
    expect(told.length, 'kinds of notification with people whom mails reach').toBe(chosen.length)
    await mailbox.account({ apiKey: 'sending_access' })
    for (const { name, call } of told) {
      const { mails } = await call()
      harm('mail.missing-recipient', () =>
        expect(mails.filter((count) => count !== 1).length, `${name}: recipients without one mail`).toBe(0),
      )
    }
    await mailbox.account(right)
  })
})

type Answer = { status: number; saysWhy: boolean }

/** The status of the answer, and whether its JSON names an error in words. */
async function answerOf(client: SuiteFixtures['anon'], name: string, sent: object = {}): Promise<Answer> {
  const { error, response } = await client.functions.invoke(name, { body: { ...sent } })
  if (error === null) return { status: response?.status ?? 200, saysWhy: false }
  const said: unknown = await response?.json().catch(() => undefined)
  const text = Object.entries(Object(said)).find(([key]) => key === 'error' || key === 'message')?.[1]
  return { status: response?.status ?? 0, saysWhy: typeof text === 'string' && text !== '' }
}
