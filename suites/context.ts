/**
 * The door through which a suite sees the app: `import { needs, test, expect } from '#suite'`. A suite imports nothing
 * else of Greenlight. Every suite file works on a clone and a stack of its own, on both sides; what it writes is gone
 * with the file, and can never reach `before` or `after`.
 */
import { createHash } from 'node:crypto'
import type { SupabaseClient } from '@supabase/supabase-js'
import pg from 'pg'
import { test as base, expect, inject, type TestAPI } from 'vitest'
import type { Contracts } from '../harness/model/config.ts'
import type { MailAccount, MailFault } from '../harness/model/mail-fault.ts'
import type { Advance, Mail, RefusedMail } from '../harness/model/stack.ts'
import type { StackAccess } from '../harness/suites/control.ts'
import '../harness/suites/injected.ts'
import { actingAs, newClient } from './clients.ts'
import { type Mailbox, mailboxOf } from './mailbox.ts'

export { describe, expect } from 'vitest'
export { type Actor, type Cast, castOf, type Picked, pickUsers, resourceKeys } from './actors.ts'
export { expectMails, harm } from './harm.ts'
export { closeInvitation, invitationIds, invited, mailsTo, notedAsSent, type Wanted } from './invitations.ts'
export { type Kind, kindsOf, type Occasion, occur } from './kinds.ts'
export type { Mailbox } from './mailbox.ts'
export { type Gathering, gather, type Member, mailedAbout, removeMember } from './mailing.ts'
export { filled, recipients } from './mails.ts'
export { column, from, quoted } from './names.ts'
export { type Newcomer, newcomers } from './newcomers.ts'
export { type Due, neverBoth } from './replaced.ts'
export { insertSql, madeRow, type Row, rowFor } from './rows.ts'
export { ensureRow, type Outcome, tried } from './trial.ts'
export type { Advance, Mail, MailAccount, MailFault, RefusedMail }

export type User = { readonly id: string; readonly email?: string | null }

export type SuiteFixtures = {
  /** Which database this test looks at: production as it is, or with the migrations applied. */
  side: 'before' | 'after'
  /** The contracts of the config: what is what in this app. */
  app: Contracts
  /** Seed for every random choice. */
  seed: number
  /** Names of the edge functions that were found. */
  functions: readonly string[]
  /** A fresh client with the anon key and no session. */
  client: () => SupabaseClient
  /** The project's address and keys, for requests that no client makes. */
  api: { readonly url: string; readonly anonKey: string; readonly serviceKey: string }
  /** A client with the anon key. */
  anon: SupabaseClient
  /** A client with the service key: row-level security does not hold for it. */
  service: SupabaseClient
  /** A client that acts as the user, by a token as Auth would sign it (good for `1h`; `-1h`: it ran out); no login takes place. */
  as: (user: User, options?: { readonly expires?: string }) => Promise<SupabaseClient>
  /** SQL as superuser on this file's own clone; it may write. */
  db: SuiteDatabase
  /**
   * Lets time pass on this file's own clone, by an interval in Postgres' words (`3 days`, `36 hours`, `1 month`, which is
   * reckoned on the calendar in UTC). Everything gets that much older, while clocks stay: each date and timestamp of the
   * app's tables, of auth and of storage moves into the past, mails do, edge functions start anew, Auth's links and
   * sessions run out. So database, functions and mailbox agree on what is due. Jobs do not run by themselves: call them.
   */
  advance: (interval: string) => Promise<Advance>
  /**
   * Gives this file's edge functions other variables than the project does; `null` takes one away. They start anew, and
   * the next tests of the file find what was left.
   */
  setEnvironment: (changes: Readonly<Record<string, string | null>>) => Promise<void>
  /** Kills this file's edge functions as they are, also those in the middle of a call (which is answered with 500); answers how many. */
  killFunctions: () => Promise<number>
  /** Mails that Auth and the edge functions sent in this file so far. */
  mailbox: Mailbox
  /** Accounts with known passwords. */
  canaries: readonly { readonly email: string; readonly password: string }[]
  /** Records an answer that must be the same on both sides; only its hash leaves the test. */
  observe: (name: string, value: unknown) => void
  /** Says in the report what was seen, as a sentence with counts: no value of a row. */
  remark: (sentence: string) => void
}

export type SuiteDatabase = {
  query<Row>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>
  /** Runs `work` in one transaction of one session and rolls it back, whatever it did; answers what `work` answers. */
  rolledBack<Result>(work: (session: Pick<SuiteDatabase, 'query'>) => Promise<Result>): Promise<Result>
}

/** What a test gets, with the contracts `K` present: for functions that several tests share. */
export type Fixtures<K extends keyof Contracts = never> = Omit<SuiteFixtures, 'app'> & {
  app: Contracts & Required<Pick<Contracts, K>>
}

/** What one suite file has of its own. Opened when first asked for, closed when the file ends. */
type World = {
  readonly stack: () => Promise<StackAccess>
  /** Tells what watches the suites of a test that failed, when a stack was opened; answers what of the stack broke off meanwhile, or why there is none. */
  readonly tellFailed: (name: string, since: number) => Promise<readonly string[]>
  readonly pool: () => Promise<pg.Pool>
  readonly close: () => Promise<void>
}

function makeWorld(): World {
  let notOpened: string | undefined
  const stack = memo(() =>
    openStack().catch((error: Error) => {
      notOpened = error.message
      throw error
    }),
  )
  const pool = memo(async () => {
    const opened = new pg.Pool({ connectionString: (await stack()).databaseUrl, max: 2 })
    // The clone is dropped when the file ends; an idle session that goes with it is no news.
    return opened.on('error', () => {})
  })
  const close = async () => {
    if (notOpened !== undefined) return
    if (pool.started) await (await pool()).end()
    if (stack.started) await control('DELETE', (await stack()).id)
  }
  const tellFailed = async (name: string, since: number) => {
    if (notOpened !== undefined) return [notOpened]
    if (!stack.started) return []
    return (await body<{ broken: string[] }>(await control('POST', `${(await stack()).id}/failed`, { name, since })))
      .broken
  }
  return { stack, tellFailed, pool, close }
}

const worlds = new Map<string, { readonly world: World; users: number }>()

const withWorld = base.extend<{ world: World }>({
  world: [
    // biome-ignore lint/correctness/noEmptyPattern: Vitest reads a fixture's needs from the pattern
    async ({}, use) => {
      // Each API made by needs() has this fixture anew; all those of one file share one world.
      const file = expect.getState().testPath ?? ''
      const shared = worlds.get(file) ?? { world: makeWorld(), users: 0 }
      worlds.set(file, shared)
      shared.users += 1
      await use(shared.world)
      shared.users -= 1
      if (shared.users > 0) return
      worlds.delete(file)
      await shared.world.close()
    },
    { scope: 'file' },
  ],
})

/** A test API whose tests are skipped, as `not configured`, where one of the contracts is missing. */
export function needs<K extends keyof Contracts>(...keys: readonly K[]): TestAPI<Fixtures<K>> {
  const withFixtures = withWorld.extend<SuiteFixtures>({
    app: [
      async ({ skip, task, onTestFailed, world }, use) => {
        const { contracts } = inject('greenlight')
        const since = Date.now()
        onTestFailed(async () => {
          task.meta.broken = await world.tellFailed(task.fullTestName ?? task.name, since)
        })
        const missing = keys.filter((key) => contracts[key] === undefined)
        if (missing.length > 0) skip(`not configured: ${missing.map((key) => `contracts.${key}`).join(', ')}`)
        await use(contracts)
      },
      { auto: true },
    ],
    // biome-ignore lint/correctness/noEmptyPattern: as above
    side: async ({}, use) => use(inject('greenlight').side),
    // biome-ignore lint/correctness/noEmptyPattern: as above
    seed: async ({}, use) => use(inject('greenlight').seed),
    // biome-ignore lint/correctness/noEmptyPattern: as above
    canaries: async ({}, use) => use(inject('greenlight').canaries),
    functions: async ({ world, app: _ }, use) => use((await world.stack()).functions),
    client: async ({ world, app: _ }, use) => {
      const { url, anonKey } = await world.stack()
      await use(() => newClient(url, anonKey))
    },
    api: async ({ world, app: _ }, use) => {
      const { url, anonKey, serviceKey } = await world.stack()
      await use({ url, anonKey, serviceKey })
    },
    anon: async ({ client }, use) => use(client()),
    service: async ({ world, app: _ }, use) => {
      const { url, serviceKey } = await world.stack()
      await use(newClient(url, serviceKey))
    },
    as: async ({ world, app: _ }, use) =>
      use(async (user, options) => actingAs(user, await world.stack(), options?.expires)),
    db: async ({ world, app: _ }, use) => use(databaseOf(await world.pool())),
    advance: async ({ world, app: _ }, use) => {
      const { id } = await world.stack()
      await use(async (interval) => body<Advance>(await control('POST', `${id}/advance`, { interval })))
    },
    setEnvironment: async ({ world, app: _ }, use) => {
      const { id } = await world.stack()
      await use(async (changes) => void (await control('POST', `${id}/environment`, changes)))
    },
    killFunctions: async ({ world, app: _ }, use) => {
      const { id } = await world.stack()
      await use(async () => (await body<{ killed: number }>(await control('POST', `${id}/kill`, {}))).killed)
    },
    mailbox: async ({ world, app: _ }, use) => use(mailboxOf(await world.stack())),
    remark: async ({ task }, use) =>
      use((sentence) => {
        task.meta.remark = sentence
      }),
    observe: async ({ task }, use) => {
      const seen: Record<string, string> = {}
      task.meta.observations = seen
      await use((name, value) => {
        seen[name] = createHash('sha256').update(canonical(value)).digest('hex')
      })
    },
  })
  // The skip above is what makes the named contracts present in every body that runs.
  return withFixtures as unknown as TestAPI<Fixtures<K>>
}

/** The contracts of the config, for a suite that makes a test for each of their entries. */
export function configured(): Contracts {
  return inject('greenlight').contracts
}

/** For suites that need no contract. */
export const test: TestAPI<Fixtures<never>> = needs()

function databaseOf(pool: pg.Pool): SuiteDatabase {
  return {
    query: async (sql, parameters = []) => (await pool.query(sql, [...parameters])).rows,
    async rolledBack(work) {
      const session = await pool.connect()
      try {
        await session.query('begin')
        return await work({ query: async (sql, parameters = []) => (await session.query(sql, [...parameters])).rows })
      } finally {
        await session.query('rollback').catch(() => {})
        session.release()
      }
    },
  }
}

async function openStack(): Promise<StackAccess> {
  return body<StackAccess>(await control('POST', inject('greenlight').side))
}

async function control(method: 'POST' | 'DELETE', subject: string, sent?: unknown): Promise<Response> {
  const { controlUrl, controlToken } = inject('greenlight')
  const response = await fetch(`${controlUrl}/stacks/${subject}`, {
    method,
    headers: { Authorization: `Bearer ${controlToken}` },
    ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
  })
  if (response.ok) return response
  const { message } = await body<{ message: string }>(response)
  throw new Error(sent === undefined ? `The stack for this suite could not be had: ${message}` : message)
}

/** The answer of the harness' own doors: its shape is ours. */
async function body<T>(response: Response): Promise<T> {
  return (await response.json()) as T
}

/** Calls `make` once, when first asked. */
function memo<T>(make: () => Promise<T>): { (): Promise<T>; readonly started: boolean } {
  let made: Promise<T> | undefined
  const get = () => {
    made ??= make()
    return made
  }
  return Object.defineProperty(get, 'started', { get: () => made !== undefined }) as typeof get & {
    readonly started: boolean
  }
}

/** JSON with the keys of objects in order. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) =>
      typeof part === 'object' && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
        : part,
    ) ?? 'undefined'
  )
}
