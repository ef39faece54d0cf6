import { dirname, resolve } from 'node:path'
import type { ExistingServer } from '../database/engine.ts'
import { HarnessError } from '../errors.ts'
import { type ClientName, clientNames, type EngineName, engineNames, type GreenlightConfig } from '../model/config.ts'
import { nearest } from '../model/nearest.ts'

/** The flags of `greenlight run`, as the command line gives them. */
export type RunFlags = {
  readonly dump?: readonly string[]
  readonly migrations?: string
  readonly baseline?: string
  readonly functions?: string
  readonly rollback?: string
  readonly config?: string
  readonly engine?: string
  readonly image?: string
  readonly engineUrl?: string
  readonly iKnowThisIsNotProduction?: boolean
  readonly client?: string
  readonly suites?: readonly string[]
  readonly out?: string
  readonly keep?: boolean
  readonly liveMail?: boolean
  readonly seed?: string
  readonly identities?: string
  readonly logins?: string
  readonly quiet?: boolean
  readonly json?: boolean
  readonly color?: boolean
}

/** Everything a run needs to know, paths absolute. */
export type RunOptions = {
  /** The files of one dump, a folder, or `-` for standard input. */
  readonly dumps: readonly string[]
  readonly migrations: string
  readonly rollback?: string
  readonly functions?: string
  readonly baseline?: string
  readonly engine: EngineName
  /** Image of the engine `container`. */
  readonly image?: string
  /** For the engine `url`. */
  readonly existing: ExistingServer
  readonly client: ClientName
  readonly out: string
  readonly keep: boolean
  /** How to reach Resend for real, with `--live-mail`. The key comes from RESEND_API_KEY. */
  readonly liveMail?: { readonly apiKey: string; readonly baseUrl: string }
  readonly seed: number
  /** Users who are asked what they see. */
  readonly identities: number | 'all'
  /** How many users are logged in for real. Default: all up to 500, else a sample of every kind. */
  readonly logins?: number | 'all'
  readonly ownSuites: readonly string[]
  /** The folder that they were written for: the config's, or where the command runs. */
  readonly ownSuitesFolder: string
  readonly config: GreenlightConfig
  readonly configSource?: { readonly path: string; readonly sha256: string }
  readonly cwd: string
}

/** Flags override the config, the config overrides defaults. Throws `usage.invalid` with all complaints together. */
export function runOptions(
  flags: RunFlags,
  loaded: { readonly config: GreenlightConfig; readonly source?: { readonly path: string; readonly sha256: string } },
  cwd: string,
): RunOptions {
  const { config } = loaded
  const complaints: string[] = []
  const path = (value: string) => (value === '-' ? value : resolve(cwd, value))
  const dumps = flags.dump?.map(path) ?? (typeof config.dump === 'string' ? [config.dump] : (config.dump ?? []))
  const migrations = flags.migrations === undefined ? config.migrations : path(flags.migrations)
  const rollback = flags.rollback === undefined ? config.rollback : path(flags.rollback)
  const functions = flags.functions === undefined ? config.functions : path(flags.functions)
  const baseline = flags.baseline ?? config.baseline
  const engine = engineNames.find((name) => name === (flags.engine ?? config.engine ?? 'embedded'))
  const image = flags.image ?? config.image
  const client = clientNames.find((name) => name === (flags.client ?? config.client ?? 'own'))
  const seed = flags.seed === undefined ? (config.seed ?? 1) : Number(flags.seed)
  const identities = usersAsked(flags.identities) ?? config.identities ?? 200
  const logins = usersAsked(flags.logins) ?? config.logins

  const { RESEND_API_KEY: resendKey, RESEND_BASE_URL: resendUrl = 'https://api.resend.com' } = process.env
  if (flags.liveMail && !resendKey) complaints.push('--live-mail needs a key of Resend in RESEND_API_KEY')

  if (dumps.length === 0) complaints.push('no dump: name it with --dump, or as "dump" in the config')
  if (migrations === undefined) complaints.push('no migrations: name their folder with --migrations, or in the config')
  if (engine === undefined) {
    const meant = nearest(flags.engine ?? '', engineNames)
    complaints.push(
      `unknown engine "${flags.engine}"; known are ${engineNames.join(', ')}${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
    )
  }
  if (client === undefined) complaints.push(`unknown client "${flags.client}"; known are ${clientNames.join(', ')}`)
  if (client === 'native' && config.mask !== undefined)
    complaints.push('pg_restore cannot mask: leave --client native or "mask" out')
  if (!Number.isSafeInteger(seed) || seed < 0)
    complaints.push(`--seed takes a whole number from 0, not "${flags.seed}"`)
  for (const name of ['identities', 'logins'] as const) {
    const users = usersAsked(flags[name])
    if (typeof users === 'number' && (!Number.isSafeInteger(users) || users < 1))
      complaints.push(`--${name} takes a whole number from 1, or "all", not "${flags[name]}"`)
  }
  if (complaints.length > 0 || migrations === undefined || engine === undefined || client === undefined) {
    throw new HarnessError(
      'usage.invalid',
      `This run cannot start:\n${complaints.map((line) => `  - ${line}`).join('\n')}`,
      { facts: { complaints } },
    )
  }
  return {
    dumps,
    migrations,
    ...(rollback === undefined ? {} : { rollback }),
    ...(functions === undefined ? {} : { functions }),
    ...(baseline === undefined ? {} : { baseline }),
    engine,
    ...(image === undefined ? {} : { image }),
    existing: existingServer(flags, config),
    client,
    out: flags.out === undefined ? (config.out ?? resolve(cwd, 'reports/out')) : path(flags.out),
    keep: flags.keep ?? false,
    ...(flags.liveMail && resendKey ? { liveMail: { apiKey: resendKey, baseUrl: resendUrl } } : {}),
    seed,
    identities,
    ...(logins === undefined ? {} : { logins }),
    ownSuites: flags.suites?.map(path) ?? config.suites ?? [],
    ownSuitesFolder: flags.suites || !loaded.source ? cwd : dirname(loaded.source.path),
    config,
    ...(loaded.source === undefined ? {} : { configSource: loaded.source }),
    cwd,
  }
}

function existingServer(flags: RunFlags, config: GreenlightConfig): ExistingServer {
  const url = flags.engineUrl ?? config.engineUrl
  return {
    ...(url === undefined ? {} : { url }),
    notProduction: flags.iKnowThisIsNotProduction ?? false,
    productionHosts: config.production?.hosts ?? [],
  }
}

/** The value of a flag that counts users. */
function usersAsked(flag: string | undefined): number | 'all' | undefined {
  return flag === undefined || flag === 'all' ? flag : Number(flag)
}
