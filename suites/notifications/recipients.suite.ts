import {
  configured,
  describe,
  expect,
  expectMails,
  filled,
  type Gathering,
  gather,
  harm,
  kindsOf,
  type Mail,
  type Member,
  mailedAbout,
  needs,
  occur,
  quoted,
  recipients,
  removeMember,
} from '#suite'

const test = needs('resource', 'membership', 'profile', 'notifications')

const roles = configured().membership?.roles ?? []
const kinds = kindsOf(configured())

/** What is wrong with the mails of one action, in counts: `2 missing`. Objects would not be shown in a message. */
function wrongs(mails: readonly Mail[], wanted: readonly string[], { silent }: Gathering, actor: Member) {
  const sent = mails.flatMap(recipients)
  const counts = {
    'to who caused it': sent.filter((address) => address === actor.email).length,
    missing: wanted.filter((address) => !sent.includes(address)).length,
    twice: sent.length - new Set(sent).size,
    'with several recipients': mails.filter((mail) => recipients(mail).length > 1).length,
    ...Object.fromEntries(
      silent.map(({ why, email }) => [`to who is ${why}`, sent.filter((one) => one === email).length]),
    ),
    'to others': sent.filter(
      (one) => one !== actor.email && !wanted.includes(one) && !silent.some(({ email }) => email === one),
    ).length,
  }
  return Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : []))
}

/** Whoever gets a mail that concerns others weighs more than who gets two, and both more than who lacks one. */
function right(wrong: readonly string[], what: string): void {
  const others = wrong.some((one) => !/ (missing|twice)$/.test(one))
  const doubled = wrong.some((one) => one.endsWith(' twice'))
  const kind = others ? 'mail.wrong-recipient' : doubled ? 'mail.duplicate' : 'mail.missing-recipient'
  harm(kind, () => expect(wrong.length, [what, ...wrong].join(', ')).toBe(0))
}

const without = (members: readonly Member[], ...gone: readonly (Member | undefined)[]) =>
  members.filter((member) => !gone.includes(member)).map(({ email }) => email)

describe('notifications: recipients', () => {
  // First: the others make resources and members of their own, which are not production's, and break some of them.
  test('of production, the recipients are those of the contracts', async ({ app, as, db, mailbox, seed, skip }) => {
    const keys = await db.query<{ key: string }>(
      `select ${quoted(app.resource.key)}::text as key from ${quoted(app.resource.table)}
       where ${quoted(app.resource.owner)} is not null order by md5(${quoted(app.resource.key)}::text || $1), 1 limit 12`,
      [`production ${seed}`],
    )
    let asked = 0
    for (const [key, people] of await mailedAbout(
      db,
      app,
      keys.map(({ key }) => key),
    )) {
      const [actor] = people
      if (actor === undefined || people.length < 2) continue
      asked += 1
      await mailbox.clear()
      const body = filled(app.notifications.resourceUpdated.body, { resource: key, actor: actor.id })
      const { error } = await (await as(actor)).functions.invoke(app.notifications.function, { body })
      const member = { ...actor, role: '', name: '' }
      const wanted = [...new Set(people.map(({ email }) => email))].filter((email) => email !== actor.email)
      const gathering = { key, owner: member, members: [], silent: [] }
      // With the answer, so that a function that fails is told from one that forgets people. It may well fail: for
      // an address of production that cannot be mailed.
      const answer = error?.context?.status ?? error?.name ?? 'ok'
      right(wrongs(await mailbox.all(), wanted, gathering, member), `mails about ${key}, answer ${answer}`)
    }
    if (asked === 0) skip('no resource of production has two people whom mails reach')
  })

  for (const [name, kind] of kinds) {
    test(`${name}: exactly those whom it concerns get one mail, whoever causes it`, async ({
      app,
      as,
      db,
      mailbox,
      seed,
    }) => {
      for (const [at, role] of (kind.by ?? roles).entries()) {
        const people = await gather(db, app, { size: roles.length + 2, seed: seed + at, silent: true })
        const actor = people?.members.find((member) => member.role === role)
        const person = people?.members.at(-1)
        expect(people && actor && person !== actor && person, `${role} and others whom mails reach`).toBeTruthy()
        if (people === undefined || actor === undefined || person === undefined) return
        const { fill, wanted } = await occur(db, app, [`${name}-${role}`, kind], people, { actor, person })
        await mailbox.clear()
        const client = await as(actor)
        const { error } = await client.functions.invoke(kind.function ?? app.notifications.function, {
          body: fill(kind.body),
        })
        expect(error?.name, `answer to ${role}`).toBeUndefined()
        const mails = await mailbox.all()
        right(wrongs(mails, wanted, people, actor), `mails of ${name} by ${role}`)
        const [about] = await db.query<{ title: string | null }>(
          `select ${app.resource.title === undefined ? 'null' : quoted(app.resource.title)}::text as title
           from ${quoted(app.resource.table)} where ${quoted(app.resource.key)}::text = $1`,
          [people.key],
        )
        const texts = { title: about?.title ?? '', actor: actor.name, person: person.name, link: people.key }
        const plain = (text: string) => text.replace(/\s+/g, ' ').trim()
        for (const what of kind.shows ?? []) {
          // A suite of its own looks at dates.
          if (what === 'date') continue
          const lacking = mails.filter((mail) =>
            what === 'link'
              ? !mail.links.some((link) => link.includes(people.key))
              : !plain(`${mail.subject} ${mail.text ?? ''}`).includes(plain(texts[what])),
          )
          expect(lacking.length, `mails of ${name} without the right ${what}`).toBe(0)
        }
      }
    })
  }

  for (const size of [1, 2, 50, 500]) {
    test(`an update reaches everybody of ${size}, or as many as there are`, async ({ app, as, db, mailbox, seed }) => {
      // Resend takes batches of 100, and of most teams two requests a second.
      const { rateLimit } = await mailbox.account({ rateLimit: 2 })
      const people = await gather(db, app, { size, seed: seed + size })
      expect(people, 'a resource').toBeDefined()
      if (people === undefined) return
      await mailbox.clear()
      const client = await as(people.owner)
      const body = filled(app.notifications.resourceUpdated.body, { resource: people.key, actor: people.owner.id })
      const { error } = await client.functions.invoke(app.notifications.function, { body })
      await mailbox.account({ rateLimit })
      expect(error?.name, `answer of ${app.notifications.function}`).toBeUndefined()
      const wanted = without(people.members, people.owner)
      right(wrongs(await mailbox.all(), wanted, people, people.owner), `mails to ${wanted.length}`)
    })
  }

  test('a request that fails costs at most its own recipients the mail, and the next call nobody a second one', async ({
    app,
    as,
    db,
    mailbox,
    seed,
  }) => {
    // More than one request.
    const people = await gather(db, app, { size: 120, seed: seed + 5_000 })
    expect(people, 'a resource').toBeDefined()
    if (people === undefined) return
    const client = await as(people.owner)
    const body = filled(app.notifications.resourceUpdated.body, { resource: people.key, actor: people.owner.id })
    await mailbox.clear()
    await mailbox.fault({ kind: 'error', status: 500 })
    await client.functions.invoke(app.notifications.function, { body })
    await mailbox.clearFaults()
    const wanted = without(people.members, people.owner)
    const first = (await mailbox.all()).flatMap(recipients)
    const lacking = wanted.filter((address) => !first.includes(address)).length
    harm('mail.lost-on-failure', () =>
      expect(Math.max(0, lacking - 100), 'recipients of other requests without a mail').toBe(0),
    )
    await client.functions.invoke(app.notifications.function, { body })
    right(wrongs(await mailbox.all(), wanted, people, people.owner), 'mails after the next call')
  })

  for (const [name, kind] of kinds.filter(([, { replaces = [] }]) => replaces.length > 0)) {
    test(`${name}: the functions that it replaces still answer, and never do both send`, async ({
      app,
      as,
      db,
      mailbox,
      seed,
    }) => {
      for (const [at, old] of (kind.replaces ?? []).entries()) {
        const people = await gather(db, app, { size: roles.length + 2, seed: seed + 6_000 + at })
        const actor = people?.members.find(({ role }) => (kind.by ?? roles).includes(role))
        const person = people?.members.at(-1)
        expect(people && actor && person !== actor && person, 'somebody, and others whom mails reach').toBeTruthy()
        if (people === undefined || actor === undefined || person === undefined) return
        const client = await as(actor)
        const now = { function: kind.function ?? app.notifications.function, body: kind.body }
        for (const calls of [[[old], [now]], [[now], [old]], [[old, now]]]) {
          const { fill, wanted } = await occur(db, app, [`${name}-${at}`, kind], people, { actor, person })
          await mailbox.clear()
          for (const [turn, together] of calls.entries()) {
            const answers = await Promise.all(
              together.map((one) => client.functions.invoke(one.function, { body: fill(one.body) })),
            )
            // Of two at once, one may say that the other is at it.
            if (together.length === 1)
              expect(answers[0]?.error?.name, `answer of ${together[0]?.function}`).toBeUndefined()
            const called = together.map((one) => one.function).join(' and ')
            const mails = await mailbox.all()
            right(
              wrongs(mails, wanted, people, actor),
              `mails of ${called}${turn > 0 ? ', called after the other' : ''}`,
            )
          }
        }
      }
    })
  }

  test('who was removed gets no further mail, who has another address gets it there', async ({
    app,
    as,
    db,
    mailbox,
    seed,
  }) => {
    const people = await gather(db, app, { size: 5, seed: seed + 3_000 })
    const [, leaving, moving] = people?.members ?? []
    expect(moving, 'members').toBeDefined()
    if (people === undefined || leaving === undefined || moving === undefined) return
    const client = await as(people.owner)
    const body = filled(app.notifications.resourceUpdated.body, { resource: people.key, actor: people.owner.id })
    const update = async () => {
      await mailbox.clear()
      const { error } = await client.functions.invoke(app.notifications.function, { body })
      expect(error?.name, `answer of ${app.notifications.function}`).toBeUndefined()
      return mailbox.all()
    }
    right(wrongs(await update(), without(people.members, people.owner), people, people.owner), 'mails to all')
    await removeMember(db, app, people.key, leaving)
    const { table, user, email } = app.profile
    const address = `delivered+greenlight-moved-${seed}@resend.dev`
    await db.query('update auth.users set email = $1 where id::text = $2', [address, moving.id])
    if (email !== undefined)
      await db.query(`update ${quoted(table)} set ${quoted(email)} = $1 where ${quoted(user)}::text = $2`, [
        address,
        moving.id,
      ])
    const wanted = [...without(people.members, people.owner, leaving, moving), address]
    const silent = [
      { why: 'removed', email: leaving.email },
      { why: 'at another address by now', email: moving.email },
    ]
    right(wrongs(await update(), wanted, { ...people, silent }, people.owner), 'mails after the change')
  })

  test('two edits at once reach everybody, and no editor by the own one', async ({ app, as, db, mailbox, seed }) => {
    const people = await gather(db, app, { size: 5, seed: seed + 1_000 })
    const [one, other] = people?.members ?? []
    expect(other, 'two members').toBeDefined()
    if (people === undefined || one === undefined || other === undefined) return
    await mailbox.clear()
    const call = async (actor: Member) => {
      const body = filled(app.notifications.resourceUpdated.body, { resource: people.key, actor: actor.id })
      return (await as(actor)).functions.invoke(app.notifications.function, { body })
    }
    await Promise.all([call(one), call(other)])
    const sent = (await mailbox.all()).flatMap(recipients)
    const times = ({ email }: Member) => sent.filter((address) => address === email).length
    expectMails([times(one), times(other)], [1, 1], 'mails to the two editors')
    const rest = people.members.slice(2).map(times)
    harm('mail.missing-recipient', () =>
      expect(rest.filter((mails) => mails < 1 || mails > 2).length, 'others without one or two mails').toBe(0),
    )
  })

  test('an address that cannot be mailed does not keep the others from theirs', async ({
    app,
    as,
    db,
    mailbox,
    seed,
    skip,
  }) => {
    const { email } = app.profile
    if (email === undefined) return skip('not configured: contracts.profile.email')
    const people = await gather(db, app, { size: 4, seed: seed + 2_000 })
    const broken = people?.members[1]
    expect(broken, 'members').toBeDefined()
    if (people === undefined || broken === undefined) return
    await db.query(
      `update ${quoted(app.profile.table)} set ${quoted(email)} = 'not an address' where ${quoted(app.profile.user)}::text = $1`,
      [broken.id],
    )
    await mailbox.clear()
    const body = filled(app.notifications.resourceUpdated.body, { resource: people.key, actor: people.owner.id })
    await (await as(people.owner)).functions.invoke(app.notifications.function, { body })
    const sent = (await mailbox.all()).flatMap(recipients)
    const lacking = without(people.members, people.owner, broken).filter((address) => !sent.includes(address))
    harm('mail.lost-on-failure', () => expect(lacking.length, 'others without a mail').toBe(0))
  })
})
