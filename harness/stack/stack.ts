import type { Database } from '../database/engine.ts'
import { HarnessError, messageOf, throwIfAborted } from '../errors.ts'
import type { Stack, StackLog } from '../model/stack.ts'
import { startAuth } from './auth/server.ts'
import { startDataApi } from './data-api/postgrest.ts'
import { stackFolder } from './folder.ts'
import { makeForwarder } from './forward.ts'
import { functionEnvironment } from './functions/environment.ts'
import { openFunctions } from './functions/functions.ts'
import { makeGateway } from './gateway.ts'
import { makeKeys } from './keys.ts'
import { lazyPart } from './lazy-part.ts'
import { listen } from './listener.ts'
import { makeMailbox } from './mailbox/mailbox.ts'

export type StackOptions = {
  /** Folder with the edge functions (`supabase/functions`). Default: the stack has none. */
  readonly functions?: string
  /** Environment of the functions besides what the platform injects. */
  readonly functionsEnv?: Readonly<Record<string, string>>
  /** Requests per second that the double of Resend takes before it answers 429; `0`: any number. Default: 10. Resend's own is 2, or 5 for newer accounts. */
  readonly mailRateLimit?: number
  readonly signal?: AbortSignal
  /** The clock of mails and of their rate limit. Default: the system's. */
  readonly now?: () => Date
}

const keptLines = 2000

/**
 * Puts everything that Supabase puts in front of a database in front of this one, which is written to: hand it a clone.
 * Only the address is opened here; the Data API, Auth and each edge function start when they are first asked for, and
 * answer 503 when they cannot. Throws `usage.invalid` (functions folder), `stack.start-failed`, `aborted`.
 */
export async function startStack(database: Database, options: StackOptions = {}): Promise<Stack> {
  const { functions: folder, functionsEnv = {}, mailRateLimit = 10, signal, now = () => new Date() } = options
  throwIfAborted(signal, 'starting the stack')
  const logs: StackLog[] = []
  const failures = new Map<string, HarnessError>()
  const mailbox = makeMailbox(now)
  const forwarder = makeForwarder()
  const files = stackFolder()
  const log = (line: StackLog) => {
    logs.push(line)
    if (logs.length > keptLines) logs.shift()
  }

  let answer: (request: Request) => Response | Promise<Response> = () => new Response(null, { status: 503 })
  const [keys, listener] = await Promise.all([
    makeKeys(),
    listen(() => answer).catch((cause: unknown) => {
      throw new HarnessError('stack.start-failed', `The stack has no address: ${messageOf(cause)}`, { cause })
    }),
  ])
  const { url, port } = listener

  const dataApi = lazyPart(() =>
    startDataApi({
      database,
      jwtSecret: keys.jwtSecret,
      makeFolder: files.make,
      signal,
      onLine: (line) => log({ source: 'data-api', line }),
    }),
  )
  const auth = lazyPart(() =>
    startAuth({
      database,
      jwtSecret: keys.jwtSecret,
      url,
      signal,
      onLine: (line) => log({ source: 'auth', line }),
      onMail: ({ to, ...mail }) => mailbox.add({ source: 'auth', from: 'noreply@auth.local', to: [to], ...mail }),
    }),
  )
  const functions =
    folder === undefined
      ? undefined
      : await openFunctions({
          folder,
          ports: [port, database.cluster.port],
          signal,
          makeFolder: files.make,
          onLine: (name, line) => log({ source: 'function', function: name, line }),
          environmentOf: (name) =>
            functionEnvironment({
              keys,
              url,
              databaseUrl: database.url('postgres'),
              resendUrl: `${url}/mailbox/functions/${name}/resend`,
              extra: functionsEnv,
            }),
        }).catch(async (error: unknown) => {
          await listener.close()
          throw error
        })
  const gateway = makeGateway({
    keys,
    dataApi,
    auth,
    functions,
    mailbox,
    mailRateLimit,
    forwarder,
    now,
    onFailure: (error) => failures.set(error.message, error),
  })
  answer = (request) => gateway.fetch(request)

  let stopping: Promise<void> | undefined
  const stopAll = async () => {
    await listener.close()
    forwarder.close()
    await Promise.all([dataApi.stop(), auth.stop(), functions?.stop()])
    await files.remove()
  }
  const stack: Stack = {
    url,
    anonKey: keys.anonKey,
    serviceKey: keys.serviceKey,
    jwtSecret: keys.jwtSecret,
    databaseUrl: { admin: database.url(), owner: database.url('postgres') },
    functions: functions?.list.map(({ name }) => name) ?? [],
    mails: () => mailbox.mails(),
    egress: () => functions?.egress() ?? [],
    logs: () => [...logs],
    failures: () => [...failures.values()],
    stop() {
      stopping ??= stopAll()
      return stopping
    },
    [Symbol.asyncDispose]: () => stack.stop(),
  }
  return stack
}
