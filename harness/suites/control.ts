import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Database } from '../database/engine.ts'
import { HarnessError, messageOf } from '../errors.ts'
import type { EgressAttempt, Stack, StackLog } from '../model/stack.ts'
import type { Side } from '../model/suite-run.ts'
import { advanceDatabase } from './advance.ts'

/** What a suite file is told of its stack. */
export type StackAccess = {
  readonly id: string
  readonly url: string
  readonly anonKey: string
  readonly serviceKey: string
  readonly jwtSecret: string
  readonly databaseUrl: string
  readonly functions: readonly string[]
}

/** A stack and the clone that it stands on. Disposal stops it and drops the clone. */
export type OpenedStack = Stack & {
  readonly database: Database
  /** Is told of each test that failed on it, with the moment it began. */
  readonly failedTest?: (name: string, since: number) => void
}

export type SidedAttempt = EgressAttempt & { readonly side: Side }

/** Opens a stack on a fresh clone of one side. */
export type OpenStack = (side: Side) => Promise<OpenedStack>

/**
 * The door through which suite files, which run in workers, get their stacks: `POST /stacks/<side>` opens one on a
 * fresh clone, `POST /stacks/<id>/advance` lets time pass for it (`{ "interval": "3 days" }`), `POST
 * /stacks/<id>/failed` tells of a test that failed (`{ "name", "since" }`, milliseconds) and answers what of the stack
 * broke off meanwhile (`{ "broken": […] }`, one line each), `POST
 * /stacks/<id>/environment` changes variables of its edge functions (name → text, or null to take it away), `POST
 * /stacks/<id>/kill` kills its edge functions as they are, `DELETE /stacks/<id>` closes it. Loopback, with a token. Disposal closes what is still open.
 */
export interface Control extends AsyncDisposable {
  readonly url: string
  readonly token: string
  /** Every attempt of a function or of the database to leave the machine, over all stacks that were closed. */
  egress(): readonly SidedAttempt[]
  /** Parts of stacks that could not start and functions that do not load, over all stacks that were closed: one line each. */
  failures(): readonly string[]
  /** Names of the edge functions that were called, over all stacks that were closed. */
  called(): readonly string[]
}

/** A test that failed, with what its stack wrote meanwhile: may hold row values, for a person at the terminal only. */
export type FailedTest = { readonly name: string; readonly side: Side; readonly lines: readonly StackLog[] }

export async function startControl(open: OpenStack, onFailedTest?: (failed: FailedTest) => void): Promise<Control> {
  const token = randomBytes(24).toString('base64url')
  const stacks = new Map<string, { side: Side; stack: OpenedStack; elapsed: number }>()
  const attempts: SidedAttempt[] = []
  const failures = new Set<string>()
  const called = new Set<string>()
  let opened = 0

  const close = async (id: string) => {
    const entry = stacks.get(id)
    if (entry === undefined) return
    stacks.delete(id)
    await entry.stack.settled()
    attempts.push(...entry.stack.egress().map((attempt) => ({ side: entry.side, ...attempt })))
    for (const name of entry.stack.called()) called.add(name)
    for (const { message } of entry.stack.failures()) failures.add(withoutOutput(message))
    await entry.stack[Symbol.asyncDispose]()
  }

  const answer = async (request: IncomingMessage): Promise<unknown> => {
    const [, , subject, action] = (request.url ?? '').split('/')
    const known = stacks.get(subject ?? '')
    if (request.method === 'POST' && known !== undefined && action === 'advance') {
      const advance = await advanceDatabase(
        known.stack.database,
        String((await sentWith(request)).interval),
        known.elapsed,
      )
      known.elapsed += advance.milliseconds
      await known.stack.advance(advance.milliseconds)
      return advance
    }
    if (request.method === 'POST' && known !== undefined && action === 'environment') {
      return known.stack.setEnvironment(variablesIn(await sentWith(request)))
    }
    if (request.method === 'POST' && known !== undefined && action === 'kill') {
      return { killed: await known.stack.killFunctions() }
    }
    if (request.method === 'POST' && known !== undefined && action === 'failed') {
      const { name, since } = await sentWith(request)
      const lines = known.stack.logs().filter(({ at }) => at >= Number(since))
      known.stack.failedTest?.(String(name), Number(since))
      onFailedTest?.({ name: String(name), side: known.side, lines })
      const breaks = known.stack.breaks().filter(({ at }) => at >= Number(since))
      return { broken: breaks.map(({ path, message }) => `${path}: ${message}`) }
    }
    if (request.method === 'DELETE' && subject !== undefined) return close(subject)
    if (request.method !== 'POST' || (subject !== 'before' && subject !== 'after')) throw new Error('unknown request')
    const stack = await open(subject)
    const id = `${subject}-${++opened}`
    stacks.set(id, { side: subject, stack, elapsed: 0 })
    const { url, anonKey, serviceKey, jwtSecret, databaseUrl, functions } = stack
    const access: StackAccess = { id, url, anonKey, serviceKey, jwtSecret, databaseUrl: databaseUrl.admin, functions }
    return access
  }

  const server = createServer((request, response) => {
    if (!authorised(request, token)) return send(response, 401, { message: 'wrong token' })
    answer(request).then(
      (body) => send(response, 200, body ?? {}),
      (error) => send(response, 500, { message: messageOf(error) }),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (typeof address !== 'object' || address === null)
    throw new HarnessError('suites.failed', 'The control server has no port.')
  return {
    url: `http://127.0.0.1:${address.port}`,
    token,
    egress: () => attempts,
    failures: () => [...failures].sort(),
    called: () => [...called].sort(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await Promise.all([...stacks.keys()].map(close))
    },
  }
}

async function sentWith(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Object(JSON.parse(Buffer.concat(chunks).toString('utf8')))
}

function variablesIn(sent: Record<string, unknown>): Record<string, string | null> {
  return Object.fromEntries(Object.entries(sent).map(([name, value]) => [name, value === null ? null : String(value)]))
}

function authorised(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? '')
  const wanted = Buffer.from(`Bearer ${token}`)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** What a function wrote before it failed may hold anything; it is for the terminal. */
export function withoutOutput(message: string): string {
  return message.split(' Deno says:')[0] ?? message
}
