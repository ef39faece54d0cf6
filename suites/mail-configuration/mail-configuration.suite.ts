import { describe, expect, invited, type MailAccount, mailsTo, needs, notedAsSent, type SuiteFixtures } from '#suite'

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
      expect(sent, 'noted as sent without a mail').toBe(0)
      expect(answer.status, 'status of the answer').toBeGreaterThanOrEqual(400)
      expect(answer.saysWhy, 'the answer says that something is wrong').toBe(true)
      expect((await answerOf(service, job)).status, 'status of the answer when it is mended').toBe(200)
      expect(await mailsTo(mailbox, [address]), 'mails when it is mended').toEqual([1])
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
    expect(await mailsTo(mailbox, addresses), 'mails').toEqual([1])
  })
})

/** The status of the answer, and whether its JSON names an error in words. */
async function answerOf(client: SuiteFixtures['anon'], name: string): Promise<{ status: number; saysWhy: boolean }> {
  const { error, response } = await client.functions.invoke(name, { body: {} })
  if (error === null) return { status: response?.status ?? 200, saysWhy: false }
  const said: unknown = await response?.json().catch(() => undefined)
  const text = Object.entries(Object(said)).find(([key]) => key === 'error' || key === 'message')?.[1]
  return { status: response?.status ?? 0, saysWhy: typeof text === 'string' && text !== '' }
}
