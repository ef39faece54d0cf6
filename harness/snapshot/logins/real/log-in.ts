import { createClient, type Session, type SupabaseClient } from '@supabase/supabase-js'
import { HarnessError } from '../../../errors.ts'
import { noAnswer } from '../../../model/no-answer.ts'
import type { Stack } from '../../../model/stack.ts'
import { claimsOf } from './claims.ts'
import type { LoginOutcome, LoginStep, LoginUser, OwnRow, OwnTable } from './outcome.ts'

export type LoginStack = Pick<Stack, 'url' | 'anonKey' | 'mails'>

/** Thrown where Auth refuses, caught where the login began. */
class Refused extends Error {
  readonly step: LoginStep
  readonly code: string
  constructor(step: LoginStep, code: string) {
    super(`${step}: ${code}`)
    this.step = step
    this.code = code
  }
}

/**
 * Logs a user in as an app does: by a one-time link from the mailbox, or by refreshing the open session of one who has
 * no address; then reads the user, refreshes, reads the own row and signs out. The stack is written to.
 * Throws `stack.start-failed` when a part of the stack does not answer.
 */
export async function logIn(stack: LoginStack, user: LoginUser): Promise<LoginOutcome> {
  if (user.email === '' && user.refreshToken === '') return { state: 'no way' }
  return attempt(async () => {
    const app = newClient(stack)
    const session = user.email === '' ? await resume(app, user.refreshToken) : await followLink(stack, app, user.email)
    if (session.user.id !== user.id) throw new Refused('verify', 'another_user')
    return goOn(app, session, user.own && { ...user.own, id: user.id })
  })
}

/** Logs in with a password, reads the user, refreshes, signs out. Throws as `logIn` does. */
export function logInWithPassword(stack: LoginStack, email: string, password: string): Promise<LoginOutcome> {
  return attempt(async () => {
    const app = newClient(stack)
    const { data, error } = await app.auth.signInWithPassword({ email, password })
    if (error !== null || data.session === null) throw refused('password', error)
    return goOn(app, data.session, undefined)
  })
}

async function attempt(work: () => Promise<LoginOutcome>): Promise<LoginOutcome> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Refused) return { state: 'refused', step: error.step, code: error.code }
    throw error
  }
}

function newClient({ url, anonKey }: LoginStack): SupabaseClient {
  return createClient(url, anonKey, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    global: { fetch: atOnce },
  })
}

/** A failing database is an answer to be told, and not one to be asked for again for half a minute. */
async function atOnce(...request: Parameters<typeof fetch>): Promise<Response> {
  const answer = await fetch(...request)
  return answer.status === 500 ? new Response(answer.body, { status: 422, headers: answer.headers }) : answer
}

async function followLink(stack: LoginStack, app: SupabaseClient, email: string): Promise<Session> {
  const earlier = mailsTo(stack, email).length
  const asked = await app.auth.signInWithOtp({ email, options: { shouldCreateUser: false } })
  if (asked.error !== null) throw refused('ask', asked.error)
  const mail = mailsTo(stack, email)[earlier]
  const link = mail?.links.map((href) => new URL(href)).find(({ searchParams }) => searchParams.has('token'))
  if (link === undefined) throw new Refused('mail', 'no_link')
  const token = link.searchParams.get('token_hash') ?? link.searchParams.get('token') ?? ''
  const { data, error } = await app.auth.verifyOtp({ token_hash: token, type: 'email' })
  if (error !== null || data.session === null) throw refused('verify', error)
  return data.session
}

/** Auth sends before it answers, and writes the address in lower case. */
function mailsTo({ mails }: LoginStack, email: string) {
  const wanted = email.toLowerCase()
  return mails().filter(({ source, to }) => source === 'auth' && to.some((one) => one.toLowerCase() === wanted))
}

async function resume(app: SupabaseClient, refreshToken: string): Promise<Session> {
  const { data, error } = await app.auth.refreshSession({ refresh_token: refreshToken })
  if (error !== null || data.session === null) throw refused('session', error)
  return data.session
}

async function goOn(
  app: SupabaseClient,
  session: Session,
  own: (OwnTable & { readonly id: string }) | undefined,
): Promise<LoginOutcome> {
  const read = await app.auth.getUser()
  if (read.error !== null) throw refused('user', read.error)
  if (read.data.user.id !== session.user.id) throw new Refused('user', 'another_user')
  const again = await app.auth.refreshSession()
  if (again.error !== null || again.data.session === null) throw refused('refresh', again.error)
  if (again.data.session.user.id !== session.user.id) throw new Refused('refresh', 'another_user')
  const row: OwnRow = own === undefined ? { state: 'absent' } : await readOwnRow(app, own)
  const out = await app.auth.signOut()
  if (out.error !== null) throw refused('sign out', out.error)
  return { state: 'in', user: session.user.id, claims: claimsOf(session.access_token), own: row }
}

async function readOwnRow(app: SupabaseClient, { table, column, id }: OwnTable & { id: string }): Promise<OwnRow> {
  const own = app.from(table).select(quotedColumn(column)).eq(quotedColumn(column), id)
  const { data, error, status } = await own.limit(1)
  if (error !== null) {
    const failure = noAnswer(`/rest/v1/${table}`, { status, ...error })
    if (failure !== undefined) throw failure
    return { state: 'failed', code: error.code || 'unknown' }
  }
  return { state: data.length > 0 ? 'seen' : 'hidden' }
}

/** As PostgREST wants a name that its grammar would take apart. */
function quotedColumn(column: string): string {
  return /^\w+$/.test(column) ? column : `"${column.replaceAll(/["\\]/g, '\\$&')}"`
}

type AuthFailure = { readonly name: string; readonly code?: string | undefined; readonly status?: number | undefined }

/** Auth's refusal; but a part of the stack that is down is no answer of Auth. */
function refused(step: LoginStep, error: AuthFailure | null): Refused | HarnessError {
  if (error?.name === 'AuthRetryableFetchError') {
    return new HarnessError(
      'stack.start-failed',
      `Auth did not answer at the step "${step}" (status ${error.status ?? 0}).`,
      {
        facts: { part: 'auth' },
      },
    )
  }
  return new Refused(step, error?.code ?? (error === null ? 'no_session' : `status_${error.status ?? 0}`))
}
