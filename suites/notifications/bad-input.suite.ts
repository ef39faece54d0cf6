import { describe, expect, filled, gather, harm, needs, quoted, recipients, type SuiteFixtures } from '#suite'

const test = needs('resource', 'membership', 'profile', 'notifications')

const nowhere = '00000000-0000-4000-8000-00000000dead'
const json = { 'Content-Type': 'application/json' }

/** What stands in the place of every text of the body. */
const texts: Readonly<Record<string, string>> = {
  'an empty text': '',
  SQL: `' or 1=1; drop table x; --`,
  HTML: '<img src=x onerror=alert(1)>',
  'a new header': 'x\r\nBcc: somebody@example.com',
  addresses: 'Zoë+News@EXAMPLE.com, somebody@example.com',
  'a megabyte': 'x'.repeat(1_000_000),
}

/** Addresses as people write them, or as somebody would who means harm. `arrives`: undefined where a mail service may refuse it. */
const oddAddresses: readonly { readonly is: string; readonly address: string; readonly arrives?: boolean }[] = [
  { is: 'with capitals and a plus sign', address: 'Delivered+GREENLIGHT-Odd@Resend.DEV', arrives: true },
  { is: 'with letters beyond ASCII', address: 'delivered+grünlicht-Zoë@resend.dev' },
  {
    is: 'that is two',
    address: 'delivered+greenlight-one@resend.dev,delivered+greenlight-other@resend.dev',
    arrives: false,
  },
  {
    is: 'with a new header',
    address: 'delivered+greenlight-line@resend.dev\r\nBcc: delivered+greenlight-hidden@resend.dev',
    arrives: false,
  },
]

describe('notifications: bad input', () => {
  test('a body that says nothing sensible is refused, without a mail and without a row', async ({
    app,
    as,
    db,
    mailbox,
    seed,
  }) => {
    const people = await gather(db, app, { size: 3, seed })
    expect(people, 'a resource').toBeDefined()
    if (people === undefined) return
    const client = await as(people.owner)
    const good = filled(app.notifications.resourceUpdated.body, { resource: people.key, actor: people.owner.id })
    const fixed = Object.entries(app.notifications.resourceUpdated.body).filter(([, text]) => !text.includes('{'))
    const bodies: Record<string, unknown> = {
      'no body': undefined,
      'broken JSON': '{"',
      'a list': '[]',
      'a text': '"text"',
      ...Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, replaced(good, text)])),
      ...(fixed.length === 0
        ? {}
        : { 'an unknown kind': { ...good, ...Object.fromEntries(fixed.map(([field]) => [field, 'no-such-kind'])) } }),
      'a resource that is not there': filled(app.notifications.resourceUpdated.body, {
        resource: nowhere,
        actor: people.owner.id,
      }),
    }
    await mailbox.clear()
    const rows = await rowsOf(app, db)
    const wrong: string[] = []
    for (const [name, body] of Object.entries(bodies)) {
      const status = await statusOf(client, app.notifications.function, body)
      if (status < 400 || status > 499) wrong.push(`${status} to ${name}`)
    }
    expect(wrong.length, `answers of ${app.notifications.function} that are no 4xx: ${wrong.join(', ')}`).toBe(0)
    expect((await mailbox.all()).length, 'mails').toBe(0)
    expect((await rowsOf(app, db)) === rows, 'each table has as many rows as before').toBe(true)
  })

  test('who is not logged in, or no longer, is refused', async ({ app, as, anon, client, db, mailbox, seed }) => {
    const people = await gather(db, app, { size: 3, seed: seed + 1 })
    expect(people, 'a resource').toBeDefined()
    if (people === undefined) return
    const body = filled(app.notifications.resourceUpdated.body, { resource: people.key, actor: people.owner.id })
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = { sub: people.owner.id, role: 'authenticated', aud: 'authenticated', exp: 4_000_000_000 }
    const forged = (alg: string) => ({
      Authorization: `Bearer ${part({ alg, typ: 'JWT' })}.${part(claims)}.${alg === 'none' ? '' : part('signature')}`,
    })
    await mailbox.clear()
    const rows = await rowsOf(app, db)
    const name = app.notifications.function
    const answers = {
      'the anon key': await statusOf(anon, name, body),
      'a token that ran out': await statusOf(await as(people.owner, { expires: '-1h' }), name, body),
      'a forged token': await statusOf(client(), name, body, forged('HS256')),
      'an unsigned token': await statusOf(client(), name, body, forged('none')),
      'no token': await statusOf(client(), name, body, { Authorization: 'Bearer' }),
    }
    const letIn = Object.entries(answers).flatMap(([what, status]) =>
      status === 401 || status === 403 ? [] : [`${status} to ${what}`],
    )
    expect(letIn.length, `answers of ${name} that are neither 401 nor 403: ${letIn.join(', ')}`).toBe(0)
    expect((await mailbox.all()).length, 'mails').toBe(0)
    expect((await rowsOf(app, db)) === rows, 'each table has as many rows as before').toBe(true)
  })

  test('what people write stays text in the mail', async ({ app, as, db, mailbox, seed, skip }) => {
    const { title, table, key } = app.resource
    if (title === undefined) return skip('not configured: contracts.resource.title')
    const people = await gather(db, app, { size: 3, seed: seed + 2 })
    expect(people, 'a resource').toBeDefined()
    if (people === undefined) return
    await db.query(`update ${quoted(table)} set ${quoted(title)} = $1 where ${quoted(key)}::text = $2`, [
      `<b>x</b>\r\nBcc: x'; --`,
      people.key,
    ])
    await mailbox.clear()
    const body = filled(app.notifications.resourceUpdated.body, { resource: people.key, actor: people.owner.id })
    expect(await statusOf(await as(people.owner), app.notifications.function, body), 'answer').toBe(200)
    const mails = await mailbox.all()
    expect(mails.length, 'mails').toBe(people.members.length - 1)
    expect(mails.filter(({ html }) => html?.includes('<b>x</b>')).length, 'mails with live HTML of a title').toBe(0)
    expect(mails.filter(({ subject }) => /[\r\n]/.test(subject)).length, 'subjects with a line break').toBe(0)
    expect(mails.filter(({ bcc, cc }) => bcc.length + cc.length > 0).length, 'mails with more recipients').toBe(0)
  })

  test('an odd address is mailed once or not at all, and brings in nobody else', async ({
    app,
    as,
    db,
    mailbox,
    seed,
    skip,
  }) => {
    const { table, user, email } = app.profile
    if (email === undefined) return skip('not configured: contracts.profile.email')
    const people = await gather(db, app, { size: oddAddresses.length + 2, seed: seed + 8_000 })
    const [ordinary, ...odd] = people?.members.slice(1) ?? []
    expect(odd[0], 'members').toBeDefined()
    if (people === undefined || ordinary === undefined) return
    const held: (typeof oddAddresses)[number][] = []
    for (const [at, { id }] of odd.entries()) {
      const one = oddAddresses[at]
      if (one === undefined) continue
      const set = `update ${quoted(table)} set ${quoted(email)} = $1 where ${quoted(user)}::text = $2`
      // A rule of the app's may forbid it: then nobody has it.
      const taken = await db.query(set, [one.address, id]).then(
        () => true,
        () => false,
      )
      if (taken) held.push(one)
    }
    expect(held.length, 'odd addresses that the database takes').toBeGreaterThan(0)
    await mailbox.clear()
    const body = filled(app.notifications.resourceUpdated.body, { resource: people.key, actor: people.owner.id })
    await statusOf(await as(people.owner), app.notifications.function, body)
    const sent = (await mailbox.all()).flatMap(recipients)
    const times = (address: string) => sent.filter((one) => one === address.toLowerCase()).length
    harm('mail.lost-on-failure', () => expect(times(ordinary.email), 'mails to somebody else').toBe(1))
    const wrong = held.filter(({ address, arrives }) =>
      arrives === undefined ? times(address) > 1 : times(address) !== Number(arrives),
    )
    expect(wrong.length, `wrong counts of mails to an address ${wrong.map(({ is }) => is).join(', ')}`).toBe(0)
    const known = people.members.map((member) => member.email).concat(held.map(({ address }) => address.toLowerCase()))
    const strangers = sent.filter((address) => !known.includes(address)).length
    harm('mail.wrong-recipient', () => expect(strangers, 'mails to addresses that nobody has').toBe(0))
  })
})

function replaced(body: Readonly<Record<string, string>>, text: string): Record<string, string> {
  return Object.fromEntries(Object.keys(body).map((field) => [field, text]))
}

async function statusOf(
  client: SuiteFixtures['anon'],
  name: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const { error } = await client.functions.invoke(name, {
    headers: { ...json, ...headers },
    ...(body === undefined ? {} : { body: body as string | Record<string, string> }),
  })
  if (error === null) return 200
  const context: unknown = Object(error).context
  return context instanceof Response ? context.status : 0
}

/** How many rows each table has in the schemas of the contracts. */
async function rowsOf(app: SuiteFixtures['app'], db: SuiteFixtures['db']): Promise<string> {
  const schemas = [app.resource, app.membership, app.profile].flatMap((part) => part?.table.split('.')[0] ?? [])
  const counts = await db.query(
    `select c.oid::regclass::text as table,
       (xpath('/row/c/text()', query_to_xml(format('select count(*) as c from %s', c.oid::regclass), false, true, '')))[1]::text as rows
     from pg_class c where c.relkind = 'r' and c.relnamespace::regnamespace::text = any ($1) order by 1`,
    [schemas],
  )
  return JSON.stringify(counts)
}
