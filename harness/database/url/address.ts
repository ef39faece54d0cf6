import type { ClientConfig } from 'pg'
import { HarnessError } from '../../errors.ts'

/** Variable of the environment that holds the URL; where there is a password, its only place. */
export const urlVariable = 'GREENLIGHT_ENGINE_URL'

/** Who connects where. The password stays in here: messages name host, port, database and role alone. */
export type ServerAddress = {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
  readonly ssl?: NonNullable<ClientConfig['ssl']>
}

/**
 * The address that a URL tells. `environment`: the URL of GREENLIGHT_ENGINE_URL, which wins, and the password of
 * PGPASSWORD. Throws `usage.invalid` for what is no URL of Postgres, and for a password in `written` (a flag or a config):
 * arguments can be read by every user of the machine, configs are committed.
 */
export function serverAddress(written: string | undefined, environment: NodeJS.ProcessEnv): ServerAddress {
  const fromEnvironment = environment[urlVariable]
  const url = parse(fromEnvironment ?? written)
  if (fromEnvironment === undefined && url.password !== '') {
    throw refusal(
      `The URL of the engine holds a password, where others can read it. Put the URL into ${urlVariable}, or its password alone into PGPASSWORD.`,
    )
  }
  const sslmode = url.searchParams.get('sslmode') ?? 'prefer'
  return {
    host: decodeURIComponent(url.hostname.replace(/^\[|\]$/g, '')),
    port: Number(url.port || 5432),
    database: decodeURIComponent(url.pathname.slice(1)) || 'postgres',
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password) || (environment.PGPASSWORD ?? ''),
    ...tls(sslmode),
  }
}

function tls(sslmode: string): { ssl?: NonNullable<ClientConfig['ssl']> } {
  switch (sslmode) {
    case 'disable':
    case 'allow':
    case 'prefer':
      return {}
    case 'require':
      // As libpq has it: encrypted, whoever answers.
      return { ssl: { rejectUnauthorized: false } }
    case 'verify-ca':
    case 'verify-full':
      return { ssl: { rejectUnauthorized: true } }
    default:
      throw refusal(`The URL of the engine has an unknown sslmode "${sslmode}".`)
  }
}

function parse(text: string | undefined): URL {
  const url = text === undefined ? undefined : (URL.parse(text) ?? undefined)
  const isPostgres = url?.protocol === 'postgres:' || url?.protocol === 'postgresql:'
  if (url === undefined || !isPostgres || url.hostname === '' || url.username === '') {
    throw refusal(
      `The engine url needs the address of a Postgres server: postgres://role@host:port/database?sslmode=require, in ${urlVariable}, or without a password as --engine-url or "engineUrl" in the config.`,
    )
  }
  return url
}

function refusal(message: string): HarnessError {
  return new HarnessError('usage.invalid', message)
}
