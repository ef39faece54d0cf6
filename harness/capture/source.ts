import { readFileSync } from 'node:fs'
import type { ClientConfig } from 'pg'
import { HarnessError, messageOf } from '../errors.ts'

/** Where to capture from. The password is nowhere but in here: never in an argument, a message or a file of the capture. */
export type Source = {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
  readonly password: string
  /** As libpq has it: `disable`, `require`, `verify-full` … */
  readonly sslMode: string
  readonly sslRootCertificate?: string
}

/**
 * Reads `--from`: the name of an environment variable that holds a URL, or a URL without a password. Then PGPASSWORD has
 * it, since whoever lists the processes of a machine reads their arguments. Throws `usage.invalid`; never repeats a password.
 */
export function readSource(from: string, env: NodeJS.ProcessEnv): Source {
  const isName = /^[A-Za-z_]\w*$/.test(from)
  const text = isName ? env[from] : from
  const place = isName ? `the environment variable ${from}` : '--from'
  const refuse = (what: string) => new HarnessError('usage.invalid', `Nothing can be captured: ${what}`)
  if (!text) throw refuse(`${place} holds nothing. It takes a URL: postgres://user@host:5432/postgres`)
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw refuse(`${place} is no URL. It takes one as postgres://user@host:5432/postgres`)
  }
  if (!/^postgres(ql)?:$/.test(url.protocol)) throw refuse(`${place} must begin with postgres:// or postgresql://`)
  if (!isName && url.password !== '') {
    throw refuse(
      'a password in --from shows in every list of processes. Put the URL into an environment variable and name that one: --from PRODUCTION_URL',
    )
  }
  const part = (value: string) => decodeURIComponent(value)
  const host = url.searchParams.get('host') ?? part(url.hostname)
  const user = part(url.username)
  const password = part(url.password) || (env.PGPASSWORD ?? '')
  if (host === '' || user === '')
    throw refuse(`${place} must name a host and a user: postgres://user@host:5432/postgres`)
  if (password === '')
    throw refuse(
      `there is no password: ${isName ? `put it into the URL in ${from}, or into` : 'put it into'} PGPASSWORD`,
    )
  const sslRootCertificate = url.searchParams.get('sslrootcert') ?? env.PGSSLROOTCERT
  const isLocal = /^(localhost|127\.|\[?::1|\/)/.test(host)
  return {
    host: host.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || '5432'),
    user,
    database: part(url.pathname.slice(1)) || 'postgres',
    password,
    // What goes over a network is encrypted unless somebody says otherwise.
    sslMode: url.searchParams.get('sslmode') ?? env.PGSSLMODE ?? (isLocal ? 'disable' : 'require'),
    ...(sslRootCertificate === undefined ? {} : { sslRootCertificate }),
  }
}

/** What `pg` connects with. Throws `usage.invalid` for a certificate that cannot be read. */
export function clientConfig(source: Source): ClientConfig {
  const { host, port, user, database, password, sslMode } = source
  return { host, port, user, database, password, application_name: 'greenlight capture', ssl: sslOf(source, sslMode) }
}

function sslOf({ sslRootCertificate }: Source, mode: string): ClientConfig['ssl'] {
  if (mode === 'disable' || mode === 'allow' || mode === 'prefer') return false
  if (!mode.startsWith('verify')) return { rejectUnauthorized: false }
  const checked = mode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}
  if (sslRootCertificate === undefined || sslRootCertificate === 'system')
    return { rejectUnauthorized: true, ...checked }
  try {
    return { rejectUnauthorized: true, ca: readFileSync(sslRootCertificate, 'utf8'), ...checked }
  } catch (cause) {
    throw new HarnessError(
      'usage.invalid',
      `The certificate ${sslRootCertificate} cannot be read: ${messageOf(cause)}`,
      { cause },
    )
  }
}
