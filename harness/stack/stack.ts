import type { Database } from '../database/engine.ts'
import { HarnessError, messageOf, throwIfAborted } from '../errors.ts'
import type { MailAccount } from '../model/mail-fault.ts'
import type { Mail, RefusedMail, Stack, StackBreak, StackLog } from '../model/stack.ts'
import { startAuth } from './auth/server.ts'
import { startDataApi } from './data-api/postgrest.ts'
import { watchDatabaseRequests } from './database-egress/worker.ts'
import { stackFolder } from './folder.ts'
import { makeForwarder } from './forward.ts'
import { functionEnvironment } from './functions/environment.ts'
import { openFunctions } from './functions/functions.ts'
import type { FunctionLimits } from './functions/limits.ts'
import { makeGateway } from './gateway.ts'
import { makeKeys } from './keys.ts'
import { lazyPart } from './lazy-part.ts'
import { type Handler, listen } from './listener.ts'
import { makeMailService } from './mailbox/mail-service.ts'
import { makeUserDirectory } from './mailbox/users.ts'
import { makeWebhookSecret } from './mailbox/webhooks.ts'

export type StackOptions = {
  /** Folder with the edge functions (`supabase/functions`). Default: the stack has none. */
  readonly functions?: string
  /** Environment of the functions besides what the platform injects. */
  readonly functionsEnv?: Readonly<Record<string, string>>
  /** What one function may use. Default: as on the platform (256 MB, 150 s for an answer, 400 s in all). */
  readonly functionLimits?: Partial<FunctionLimits>
  /** The team at Resend that the double plays. */
  readonly mailAccount?: Partial<MailAccount>
  /** The edge function that wants Resend's webhooks, and the variable of its environment that takes their secret. Default: none. */
  readonly mailWebhook?: { readonly function: string; readonly secretEnv: string }
  /** Told of every mail that was accepted, of every one that was refused, and of every line of output, as they come. */
  readonly onMail?: (mail: Mail) => void
  readonly onRefusedMail?: (mail: RefusedMail) => void
  readonly onLine?: (line: StackLog) => void
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
  const { functions: folder, functionsEnv = {}, mailWebhook, signal, now = () => new Date() } = options
  throwIfAborted(signal, 'starting the stack')
  const logs: StackLog[] = []
  const failures = new Map<string, HarnessError>()
  const breaks: StackBreak[] = []
  const forwarder = makeForwarder()
  const files = stackFolder()
  const log = (written: Omit<StackLog, 'at'>) => {
    const line = { ...written, at: Date.now() }
    logs.push(line)
    options.onLine?.(line)
    if (logs.length > keptLines) logs.shift()
  }

  let answer: Handler = () => new Response(null, { status: 503 })
  const [keys, listener] = await Promise.all([
    makeKeys(),
    listen(() => answer).catch((cause: unknown) => {
      throw new HarnessError('stack.start-failed', `The stack has no address: ${messageOf(cause)}`, { cause })
    }),
  ])
  const { url, port } = listener
  const sessions = database.pool({ applicationName: 'greenlight stack' }, { max: 2 })
  const users = makeUserDirectory(sessions)
  const webhookSecret = makeWebhookSecret()
  const changed: Record<string, string | null> = {}
  const mail = makeMailService({
    now,
    account: options.mailAccount,
    onMail: options.onMail,
    onRefused: options.onRefusedMail,
    usersOf: users.usersOf,
    webhook: mailWebhook && {
      secret: webhookSecret,
      post: async (body, headers) => {
        const target = `${url}/functions/v1/${mailWebhook.function}`
        const response = await fetch(target, { method: 'POST', body, headers, signal: AbortSignal.timeout(15_000) })
        await response.arrayBuffer()
        return response.status
      },
    },
  })

  const dataApi = lazyPart(() =>
    startDataApi({
      database,
      sessions,
      jwtSecret: keys.jwtSecret,
      makeFolder: files.make,
      signal,
      onLine: (line) => log({ source: 'data-api', line }),
    }),
  )
  const auth = lazyPart(() =>
    startAuth({
      database,
      sessions,
      jwtSecret: keys.jwtSecret,
      url,
      signal,
      onLine: (line) => log({ source: 'auth', line }),
      onMail: ({ to, ...message }) =>
        mail.mailbox.add({ source: 'auth', from: 'noreply@auth.local', to: [to], ...message }),
    }),
  )
  const functions =
    folder === undefined
      ? undefined
      : await openFunctions({
          folder,
          extra: mailWebhook === undefined ? functionsEnv : { ...functionsEnv, [mailWebhook.secretEnv]: webhookSecret },
          ports: [port, database.cluster.port],
          limits: options.functionLimits ?? {},
          signal,
          makeFolder: files.make,
          onLine: (name, line) => log({ source: 'function', function: name, ...line }),
          environmentOf: (name, secrets) =>
            functionEnvironment({
              name,
              secrets,
              keys,
              url,
              databaseUrl: database.url('postgres'),
              resendUrl: `${url}/mailbox/functions/${name}/resend`,
              changed,
            }),
        }).catch(async (error: unknown) => {
          await listener.close()
          throw error
        })
  const requests = await watchDatabaseRequests({
    database,
    url,
    keys,
    onLine: (line) => log({ source: 'database', line }),
  }).catch(async (error: unknown) => {
    await Promise.all([listener.close(), functions?.stop()])
    throw error
  })
  for (const line of functions?.notes ?? []) log({ source: 'function', line })
  const gateway = makeGateway({
    keys,
    dataApi,
    auth,
    functions,
    mail,
    forwarder,
    now,
    onFailure: (error) => failures.set(error.message, error),
    onBreak: (broken) => breaks.push({ ...broken, at: Date.now() }),
  })
  answer = (request, bindings) => gateway.fetch(request, bindings)

  let stopping: Promise<void> | undefined
  const stopAll = async () => {
    mail.stop()
    await requests?.stop()
    await listener.close()
    forwarder.close()
    await Promise.all([dataApi.stop(), auth.stop(), functions?.stop(), sessions.end()])
    await files.remove()
  }
  const stack: Stack = {
    url,
    anonKey: keys.anonKey,
    serviceKey: keys.serviceKey,
    jwtSecret: keys.jwtSecret,
    databaseUrl: { admin: database.url(), owner: database.url('postgres') },
    functions: functions?.list.map(({ name }) => name) ?? [],
    mailboxUrl: `${url}/mailbox?token=${mail.pageToken}`,
    mails: () => {
      mail.delivery.settle()
      return mail.mailbox.mails()
    },
    egress: () => [...(functions?.egress() ?? []), ...(requests?.attempts() ?? [])],
    settled: async () => requests?.settle(),
    called: () => functions?.called() ?? [],
    async load() {
      for (const error of (await functions?.load()) ?? []) failures.set(error.message, error)
      return functions?.mappings() ?? []
    },
    logs: () => [...logs],
    failures: () => [...failures.values()],
    breaks: () => [...breaks],
    async advance(milliseconds) {
      await functions?.restart()
      await mail.advance(milliseconds)
    },
    async setEnvironment(changes) {
      Object.assign(changed, changes)
      await functions?.restart()
    },
    killFunctions: async () => functions?.kill() ?? 0,
    stop() {
      stopping ??= stopAll()
      return stopping
    },
    [Symbol.asyncDispose]: () => stack.stop(),
  }
  return stack
}
