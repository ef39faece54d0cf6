import { SignJWT } from 'jose'
import type { Cloner } from './clones.ts'
import type { Database } from './database/engine.ts'
import { messageOf } from './errors.ts'
import type { ReadContract } from './model/config.ts'
import type { Finding } from './model/finding.ts'
import { noAnswer } from './model/no-answer.ts'
import type { Stack } from './model/stack.ts'
import type { Side } from './model/suite-run.ts'
import { type Answer, type Asked, compareAnswers } from './snapshot/api/answers.ts'
import { compareDescriptions, type Descriptions, readDescription } from './snapshot/api/description.ts'
import type { Identity } from './snapshot/identities.ts'
import { startStack } from './stack/stack.ts'
import type { Evidence } from './stages.ts'

/** Users that each read is asked as; the identities come spread over their kinds. */
const usersAsked = 12
/** Rows that the Data API gives at most in one answer. */
const mostRows = 1_000

/** What was answered to which reads, by the name of the database: each is asked once. */
export type KnownAnswers = Map<string, { readonly reads: ReadonlySet<string>; readonly given: readonly Given[] }>

export type ApiLook = {
  readonly reads: readonly ReadContract[]
  readonly identities: readonly Identity[]
  readonly known: KnownAnswers
  readonly clone: Cloner
  readonly signal: AbortSignal
}

/**
 * The stage `api`: what the Data API says of itself to each role, and what it answers to the reads of the contract, on
 * clones of both sides. `told`: findings so far. Throws `stack.start-failed`, `aborted`.
 */
export async function lookAtApi(
  sides: Readonly<Record<Side, Database>>,
  told: readonly Finding[],
  look: ApiLook,
): Promise<Evidence> {
  return withStacks(sides, look, async (before, after) => {
    const objects = new Set(told.filter(({ kind }) => kind === 'feature.api-removed').map(({ object }) => object))
    const described = compareDescriptions(await describe(before), await describe(after), objects)
    const [was, is] = await Promise.all([askAll(before, look), askAll(after, look)])
    const names = new Set(look.reads.map(({ name }) => name))
    look.known.set(sides.before.name, { reads: names, given: was }).set(sides.after.name, { reads: names, given: is })
    const answers = compareAnswers(look.reads, paired(was, is))
    return {
      findings: [...described.findings, ...answers.findings],
      checks: [described.check, answers.check],
    }
  })
}

/**
 * Only some of the reads, by name, between any two states: which migration changed an answer. Each state is asked once,
 * and again only about reads that were not among the first; the two sides were asked by the stage `api`.
 */
export function answersBetween(
  look: ApiLook,
): (from: Database, to: Database, names: ReadonlySet<string>) => Promise<readonly Finding[]> {
  const { known } = look
  const answersOf = async (state: Database, names: ReadonlySet<string>) => {
    const asked = known.get(state.name)
    if (asked !== undefined && names.isSubsetOf(asked.reads))
      return asked.given.filter(({ read }) => names.has(read.name))
    await using database = await look.clone(state)
    await using stack = await startStack(database, { signal: look.signal })
    const given = await askAll(stack, { ...look, reads: look.reads.filter(({ name }) => names.has(name)) })
    known.set(state.name, { reads: names, given })
    return given
  }
  return async (from, to, names) => {
    const ended = await Promise.allSettled([answersOf(from, names), answersOf(to, names)])
    for (const one of ended) if (one.status === 'rejected') throw one.reason
    const [was = [], is = []] = ended.map((one) => (one.status === 'fulfilled' ? one.value : []))
    const reads = look.reads.filter(({ name }) => names.has(name))
    return compareAnswers(reads, paired(was, is)).findings
  }
}

async function withStacks<Result>(
  sides: Readonly<Record<Side, Database>>,
  { clone, signal }: ApiLook,
  work: (before: Stack, after: Stack) => Promise<Result>,
): Promise<Result> {
  await using was = await clone(sides.before)
  await using is = await clone(sides.after)
  await using before = await startStack(was, { signal })
  await using after = await startStack(is, { signal })
  return await work(before, after)
}

async function describe(stack: Stack): Promise<Descriptions> {
  const found = new Map<string, Awaited<ReturnType<typeof readDescription>>>()
  for (const role of ['anon', 'authenticated', 'service_role']) {
    const headers = await headersOf(stack, { role, claims: { role } })
    const { status, text } = await ask(`${stack.url}/rest/v1/`, '/rest/v1/', { headers })
    found.set(role, status < 300 ? readDescription(JSON.parse(text)) : `it answered ${status}${codeOf(text)}`)
  }
  return found
}

/** What one identity was answered to one read. */
type Given = { readonly read: ReadContract; readonly identity: Identity; readonly answer: Answer }

function paired(was: readonly Given[], is: readonly Given[]): readonly Asked[] {
  return was.flatMap(({ read, identity, answer }) => {
    const other = is.find((one) => one.read === read && one.identity === identity)
    return other === undefined ? [] : [{ read, who: identity.label, before: answer, after: other.answer }]
  })
}

/** One request after the other. Throws `stack.start-failed` where the stack itself gave no answer. */
export async function askAll(
  stack: Pick<Stack, 'url' | 'anonKey' | 'serviceKey' | 'jwtSecret'>,
  { reads, identities }: Pick<ApiLook, 'reads' | 'identities'>,
): Promise<readonly Given[]> {
  const users = identities.filter(({ userId }) => userId !== undefined).slice(0, usersAsked)
  const role = (name: string) => identities.filter((one) => one.role === name && one.userId === undefined)
  const given: Given[] = []
  for (const read of reads) {
    const kinds = read.as ?? ['user']
    const who = [
      ...(kinds.includes('anon') ? role('anon') : []),
      ...(kinds.includes('service') ? role('service_role') : []),
      ...(kinds.includes('user') ? users : []),
    ]
    for (const identity of who) {
      given.push({ read, identity, answer: await answerOf(stack, read, identity) })
    }
  }
  return given
}

async function answerOf(stack: Parameters<typeof askAll>[0], read: ReadContract, identity: Identity): Promise<Answer> {
  const own = (text: string) => text.replaceAll('{user}', identity.userId ?? '')
  const [schema = 'public', name = schema] = (read.table ?? read.rpc ?? '').split('.')
  const inPublic = schema === name ? 'public' : schema
  const query = new URLSearchParams({
    ...(read.select === undefined ? {} : { select: read.select }),
    ...(read.order === undefined ? {} : { order: read.order }),
    ...Object.fromEntries(Object.entries(read.filters ?? {}).map(([column, filter]) => [column, own(filter)])),
  })
  const path = read.rpc === undefined ? encodeURIComponent(name) : `rpc/${encodeURIComponent(name)}`
  const headers = { ...(await headersOf(stack, identity)), 'accept-profile': inPublic, 'content-profile': inPublic }
  const route = `/rest/v1/${path}`
  const { status, text } = await ask(`${stack.url}${route}?${query}`, route, {
    headers: { ...headers, ...(read.rpc === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(read.rpc === undefined ? {} : { method: 'POST', body: own(JSON.stringify(read.args ?? {})) }),
  })
  try {
    if (status >= 300) return { type: 'error', code: codeOf(text).trim() || String(status) }
    const value: unknown = text === '' ? [] : JSON.parse(text)
    const rows: readonly unknown[] = Array.isArray(value) ? value : [value]
    return { type: 'rows', rows, full: rows.length >= mostRows }
  } catch (error) {
    return { type: 'error', code: messageOf(error) }
  }
}

/** Throws `stack.start-failed` for what is no answer of the app's. */
async function ask(url: string, path: string, init: RequestInit): Promise<{ status: number; text: string }> {
  let status = 0
  let text = ''
  try {
    const response = await fetch(url, init)
    text = await response.text()
    status = response.status
  } catch (error) {
    text = JSON.stringify({ message: messageOf(error) })
  }
  const failure = noAnswer(path, { status, ...errorIn(text) })
  if (failure !== undefined) throw failure
  return { status, text }
}

function errorIn(body: string): { readonly code?: string; readonly message?: string } {
  try {
    const { code, message } = Object(JSON.parse(body))
    return { ...(typeof code === 'string' ? { code } : {}), ...(typeof message === 'string' ? { message } : {}) }
  } catch {
    return {}
  }
}

async function headersOf(
  { anonKey, serviceKey, jwtSecret }: Parameters<typeof askAll>[0],
  { role, claims }: Pick<Identity, 'role' | 'claims'>,
): Promise<Readonly<Record<string, string>>> {
  if (role === 'anon') return { apikey: anonKey, authorization: `Bearer ${anonKey}` }
  if (role === 'service_role') return { apikey: serviceKey, authorization: `Bearer ${serviceKey}` }
  const token = await new SignJWT({ ...claims, role })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(jwtSecret))
  return { apikey: anonKey, authorization: `Bearer ${token}` }
}

/** The SQLSTATE or PGRST code of an error's body: its message may hold values. */
function codeOf(body: string): string {
  const code = /"code"\s*:\s*"(\w+)"/.exec(body)?.[1]
  return code === undefined ? '' : ` ${code}`
}
