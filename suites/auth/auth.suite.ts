import { describe, expect, type Mailbox, quoted, test } from '#suite'

describe('login', () => {
  // A canary that cannot log in before the migration either is no fault of it: the stage "log in" says which one it is.
  test('every canary logs in with the password and reads as the same user', async ({
    canaries,
    client,
    db,
    observe,
    skip,
  }) => {
    if (canaries.length === 0) return skip('not configured: canaries')
    for (const [at, { email, password }] of canaries.entries()) {
      const app = client()
      const { data, error } = await app.auth.signInWithPassword({ email, password })
      observe(`canary ${at + 1}`, error === null ? data.user.id : (error.code ?? error.status))
      if (error !== null) continue
      const [user] = await db.query<{ id: string }>('select id::text from auth.users where lower(email) = lower($1)', [
        email,
      ])
      expect(data.user?.id, `user of canary ${at + 1}`).toBe(user?.id)
      const again = await app.auth.refreshSession()
      expect(again.error?.code, `error of canary ${at + 1} at refreshing the session`).toBeUndefined()
    }
  })

  test('a wrong password is refused', async ({ canaries, client, skip }) => {
    const [canary] = canaries
    if (canary === undefined) return skip('not configured: canaries')
    const { data, error } = await client().auth.signInWithPassword({
      email: canary.email,
      password: `${canary.password}x`,
    })
    expect(error?.code, 'error').toBe('invalid_credentials')
    expect(data.session === null, 'no session').toBe(true)
  })

  test('a user of each outside provider logs in through a one-time link', async ({
    client,
    db,
    mailbox,
    seed,
    skip,
  }) => {
    const users = await db.query<{ provider: string; id: string; email: string }>(
      `select distinct on (i.provider) i.provider, u.id::text as id, lower(u.email) as email
       from auth.users u join auth.identities i on i.user_id = u.id
       where i.provider not in ('email', 'phone') and u.email <> '' and u.email_confirmed_at is not null
         and u.deleted_at is null and u.banned_until is null and not u.is_sso_user
       order by i.provider, md5(u.id::text || $1)`,
      [String(seed)],
    )
    if (users.length === 0) return skip('not configured: no user comes from an outside provider')
    for (const { provider, id, email } of users) {
      const app = client()
      const asked = await app.auth.signInWithOtp({ email, options: { shouldCreateUser: false } })
      expect(asked.error?.code, `error at asking for a link, ${provider}`).toBeUndefined()
      const { data, error } = await app.auth.verifyOtp({ token_hash: await tokenFor(mailbox, email), type: 'email' })
      expect(error?.code, `error at following the link, ${provider}`).toBeUndefined()
      expect(data.user?.id, `user, ${provider}`).toBe(id)
    }
  })
})

describe('a new user', () => {
  // Where the app refuses a sign-up made up for the test, it must refuse it on both sides.
  test('can sign up, gets a profile, confirms the address and logs in', async ({
    app,
    client,
    db,
    mailbox,
    observe,
    seed,
  }) => {
    const email = address('sign-up', seed)
    const password = `A-${seed}-long-enough-password`
    const { data, error } = await client().auth.signUp({ email, password })
    observe('sign-up', error?.code ?? 'accepted')
    if (error !== null) return
    const [found] = await db.query<{ users: number }>(
      'select count(*)::int as users from auth.users where id::text = $1',
      [data.user?.id],
    )
    expect(found?.users, 'accounts made').toBe(1)
    if (app.profile !== undefined) {
      const { profile } = app
      const [rows] = await db.query<{ profiles: number }>(
        `select count(*)::int as profiles from ${quoted(profile.table)} where ${quoted(profile.user)}::text = $1`,
        [data.user?.id],
      )
      observe('profiles made', rows?.profiles)
    }
    const early = await client().auth.signInWithPassword({ email, password })
    observe('login before the address is confirmed', early.error?.code ?? 'accepted')
    const confirmed = await client().auth.verifyOtp({ token_hash: await tokenFor(mailbox, email), type: 'signup' })
    expect(confirmed.error?.code, 'error at confirming the address').toBeUndefined()
    const login = await client().auth.signInWithPassword({ email, password })
    expect(login.error?.code, 'error at logging in').toBeUndefined()
    expect(login.data.user?.id, 'user').toBe(data.user?.id)
    const again = await client().auth.signUp({ email, password })
    observe('the same address once more', again.error?.code ?? 'accepted')
    const [accounts] = await db.query<{ users: number }>(
      'select count(*)::int as users from auth.users where lower(email) = lower($1)',
      [email],
    )
    expect(accounts?.users, 'accounts with the address').toBe(1)
  })

  test('resets the password through the mail', async ({ client, mailbox, observe, seed }) => {
    const email = address('reset', seed)
    const password = `A-${seed}-forgotten-password`
    const signUp = await client().auth.signUp({ email, password })
    observe('sign-up', signUp.error?.code ?? 'accepted')
    if (signUp.error !== null) return
    await client().auth.verifyOtp({ token_hash: await tokenFor(mailbox, email), type: 'signup' })
    await mailbox.clear()
    const asked = await client().auth.resetPasswordForEmail(email)
    expect(asked.error?.code, 'error at asking').toBeUndefined()
    const user = client()
    const followed = await user.auth.verifyOtp({ token_hash: await tokenFor(mailbox, email), type: 'recovery' })
    expect(followed.error?.code, 'error at following the link').toBeUndefined()
    const changed = await user.auth.updateUser({ password: `${password}-remembered` })
    expect(changed.error?.code, 'error at setting the new password').toBeUndefined()
    const old = await client().auth.signInWithPassword({ email, password })
    expect(old.error?.code, 'error with the old password').toBe('invalid_credentials')
    const fresh = await client().auth.signInWithPassword({ email, password: `${password}-remembered` })
    expect(fresh.error?.code, 'error with the new password').toBeUndefined()
  })

  test('changes the address through the mail', async ({ client, db, mailbox, observe, seed }) => {
    const [email, other] = [address('old', seed), address('new', seed)]
    const signUp = await client().auth.signUp({ email, password: `A-${seed}-long-enough-password` })
    observe('sign-up', signUp.error?.code ?? 'accepted')
    if (signUp.error !== null) return
    const user = client()
    await user.auth.verifyOtp({ token_hash: await tokenFor(mailbox, email), type: 'signup' })
    await mailbox.clear()
    const asked = await user.auth.updateUser({ email: other })
    expect(asked.error?.code, 'error at asking').toBeUndefined()
    const followed = await client().auth.verifyOtp({
      token_hash: await tokenFor(mailbox, email),
      type: 'email_change',
    })
    expect(followed.error?.code, 'error at following the link').toBeUndefined()
    const [row] = await db.query<{ changed: boolean }>(
      'select email = lower($2) as changed from auth.users where id::text = $1',
      [signUp.data.user?.id, other],
    )
    expect(row?.changed, 'the address is the new one').toBe(true)
  })
})

/** Resend takes mail to it; nothing is sent. */
function address(what: string, seed: number): string {
  return `delivered+greenlight-${what}-${seed}@resend.dev`
}

/** The token of the link in the mail of Auth to this address. */
async function tokenFor(mailbox: Mailbox, email: string): Promise<string> {
  const mail = await mailbox.waitFor(
    ({ source, to }) => source === 'auth' && to.some((one) => one.toLowerCase() === email),
  )
  const link = mail.links.map((href) => new URL(href)).find(({ searchParams }) => searchParams.has('token'))
  return link?.searchParams.get('token_hash') ?? link?.searchParams.get('token') ?? ''
}
