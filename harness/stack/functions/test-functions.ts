import { fileURLToPath } from 'node:url'
import type { HarnessError } from '../../errors.ts'
import { stackFolder } from '../folder.ts'
import { makeForwarder } from '../forward.ts'
import { makeGateway } from '../gateway.ts'
import { type ApiKeys, makeKeys } from '../keys.ts'
import { lazyPart } from '../lazy-part.ts'
import { listen } from '../listener.ts'
import { makeMailService } from '../mailbox/mail-service.ts'
import type { Mailbox } from '../mailbox/mailbox.ts'
import { functionEnvironment } from './environment.ts'
import { type Functions, openFunctions } from './functions.ts'
import type { FunctionLimits } from './limits.ts'

export type TestFunctions = AsyncDisposable & {
  readonly keys: ApiKeys
  readonly url: string
  readonly port: number
  readonly functions: Functions
  readonly mailbox: Mailbox
  readonly failures: readonly HarnessError[]
  /** Routes whose calls broke off within the stack. */
  readonly breaks: readonly string[]
  /** `<function> <level> <call>: <text>` */
  readonly lines: readonly string[]
  /** With the anon key, unless other headers are given. */
  call(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>
}

/** The functions of `fixtures/stack/functions` (or another folder) behind a gateway, without a database. For tests. */
export async function startTestFunctions(
  options: {
    readonly folder?: string
    readonly extra?: Record<string, string>
    readonly limits?: Partial<FunctionLimits>
    readonly now?: () => Date
  } = {},
): Promise<TestFunctions> {
  const { extra = {}, limits = {}, now = () => new Date() } = options
  const { folder = fileURLToPath(new URL('../../../fixtures/stack/functions', import.meta.url)) } = options
  const mail = makeMailService({ now, account: { rateLimit: 0 } })
  const failures: HarnessError[] = []
  const breaks: string[] = []
  const lines: string[] = []
  const files = stackFolder()
  const keys = await makeKeys()
  let gateway: ReturnType<typeof makeGateway> | undefined
  const listener = await listen(() => (request, bindings) => gateway?.fetch(request, bindings) ?? new Response())
  const forwarder = makeForwarder()
  const functions = await openFunctions({
    folder,
    extra,
    limits,
    ports: [listener.port],
    signal: undefined,
    makeFolder: files.make,
    onLine: (name, { line, level, call }) => lines.push(`${name} ${level} ${call ?? '-'}: ${line}`),
    environmentOf: (name, secrets) =>
      functionEnvironment({
        name,
        keys,
        secrets,
        url: listener.url,
        databaseUrl: 'postgres://postgres@127.0.0.1:1/postgres',
        resendUrl: `${listener.url}/mailbox/functions/${name}/resend`,
      }),
  })
  const missing = () => lazyPart<never>(() => Promise.reject(new Error('not in this test')))
  gateway = makeGateway({
    keys,
    dataApi: missing(),
    auth: missing(),
    functions,
    mail,
    forwarder,
    now,
    onFailure: (error) => failures.push(error),
    onBreak: ({ path }) => breaks.push(path),
  })
  return {
    keys,
    url: listener.url,
    port: listener.port,
    functions,
    mailbox: mail.mailbox,
    failures,
    breaks,
    lines,
    call: (path, body = {}, headers = { authorization: `Bearer ${keys.anonKey}` }) =>
      fetch(`${listener.url}/functions/v1/${path}`, { method: 'POST', body: JSON.stringify(body), headers }),
    async [Symbol.asyncDispose]() {
      forwarder.close()
      await functions.stop()
      await files.remove()
      await listener.close()
    },
  }
}
