import type { Client, ClientConfig, Pool, PoolConfig } from 'pg'
import type { EngineName } from '../model/config.ts'

/**
 * The seam over the places a Postgres cluster comes from. What an engine cannot do is a capability it lacks,
 * never a question for its name.
 */
export interface Engine {
  readonly name: EngineName
  /** What its clusters can do, at best: a started one tells for itself. */
  readonly offers: readonly Capability[]
  /** Version of its server (`170010`), where that is known before it starts. */
  readonly serverVersionNum?: number
  /** Whether it can start here, without starting it; `reason` says what is missing and what to do. */
  available(): Promise<{ readonly ok: true } | { readonly ok: false; readonly reason: string }>
  /** Throws `engine.unavailable`, `engine.start-failed`, `engine.disk-full`, `engine.port-taken`, `aborted`. What was half started is taken down. */
  start(options: StartOptions): Promise<Cluster>
}

export type StartOptions = {
  readonly signal?: AbortSignal
  /** Folder of `*.control` and `*.sql` files to make available to CREATE EXTENSION where the server lacks them. */
  readonly extensionFiles?: string
  /** It may be kept: `Cluster.keep` then leaves it running when this process ends. */
  readonly keep?: boolean
  /** Extensions that are taken from `extensionFiles` also where the server has them: they act on their own, or only when preloaded. */
  readonly preloadedExtensions?: readonly string[]
  /** Image, for engines that run one. Default: one that fits `dumpedFrom`. */
  readonly image?: string
  /** Version of the server that the dump comes from (`170006`). */
  readonly dumpedFrom?: number
  /** Roles that the dump brings along, for engines that start on a server which may have some. */
  readonly platformRoles?: readonly string[]
  /** The server of engines that start none. */
  readonly existing?: ExistingServer
  /** How large one of its databases will be, roughly, in bytes: decides between memory and disk. Default: 64 MiB. */
  readonly databaseBytes?: number
  /** Default: a free one. */
  readonly port?: number
}

/** What an engine can do, and what a run lacks where it cannot. */
export const capabilities = {
  'template-clones': 'copies are made by template: without it there is no second side to compare',
  superuser: 'owners, event triggers and roles are restored as they were',
  'extension-files': 'extensions of the platform that the server lacks get a stand-in; else what needs them is refused',
  settings:
    'the server runs with settings of our own; else durable writes make it slow, and its limits are its owner’s',
  'statement-statistics': 'pg_stat_statements counts; else a migration or suite that reads it fails',
} as const
export type Capability = keyof typeof capabilities

/** `settings: the server runs …`, for each capability that is not there. */
export function lackedBy(has: Iterable<Capability>): readonly string[] {
  const there = new Set<string>(has)
  return Object.entries(capabilities).flatMap(([name, meaning]) => (there.has(name) ? [] : [`${name}: ${meaning}`]))
}

export type ExistingServer = {
  /** `postgres://role@host:port/database`; a password comes from the environment. */
  readonly url?: string
  /** The user vouches for what looks like production. */
  readonly notProduction: boolean
  /** Hosts where nothing is ever rehearsed. */
  readonly productionHosts: readonly string[]
}

/** The role that Greenlight itself works as: superuser, as on the platform. Role `postgres` is not one. */
export const adminRole = 'supabase_admin'

/** A running server. Only a started cluster has methods; `stop` is idempotent and disposal calls it. */
export interface Cluster extends AsyncDisposable {
  readonly engine: EngineName
  readonly capabilities: ReadonlySet<Capability>
  /** `17.10` */
  readonly serverVersion: string
  /** `170010` */
  readonly serverVersionNum: number
  readonly host: string
  readonly port: number
  /** Where it lives, for a person: a folder, a container's name, a host. */
  readonly location: string
  /** A command for the shell that removes a kept cluster. */
  readonly removal: string
  /** Of engines that run one. */
  readonly image?: string
  /** One random password for every role that may log in. `preparePlatform` gives it to the platform's login roles. */
  readonly password: string
  /** Of the admin role, where it was there before us. */
  readonly adminPassword?: string
  /** Where the way to the server needs encryption. */
  readonly ssl?: NonNullable<ClientConfig['ssl']>
  /** Begins the name of each of its databases, on a server that has others. Default: nothing. */
  readonly databasePrefix?: string
  /** Database for what concerns the whole server. Default: `template1`. */
  readonly maintenanceDatabase?: string
  /** A session for what concerns the whole server, shared with others in turn: leave nothing set in it. */
  maintain(): Promise<BorrowedConnection>
  /**
   * Fails when the database exists. Without a template: an empty UTF-8 database that compares text by code point, owner
   * `supabase_admin`. `template` is a name as `Database.name` has it.
   */
  createDatabase(name: string, options?: { readonly template?: string }): Promise<Database>
  /** A database that was created by that name. */
  database(name: string): Database
  /** From now on it outlives this process, as asked for by `StartOptions.keep`. Until then it goes with it. */
  keep(): Promise<void>
  stop(): Promise<void>
}

export interface Database extends AsyncDisposable {
  /** On the server: with its prefix. */
  readonly name: string
  readonly cluster: Cluster
  /** Connection facts for `role` (default: the admin role). */
  config(role?: string): ClientConfig
  /** `postgres://role:password@127.0.0.1:port/name` */
  url(role?: string): string
  /** A connected client; `await using` ends it. */
  connect(options?: ConnectOptions): Promise<Connection>
  /** A pool, ended by the caller with `end()`; of four sessions by default. */
  pool(options?: ConnectOptions, pooling?: Pick<PoolConfig, 'max' | 'allowExitOnIdle' | 'idleTimeoutMillis'>): Pool
  /** A copy of this database under a new name, by template. Waits for nobody: other sessions on this database are ended first. */
  clone(name: string): Promise<Database>
  /** Ends its sessions and drops it. Idempotent; disposal calls it. */
  drop(): Promise<void>
}

export type ConnectOptions = {
  /** Default: the admin role. */
  readonly role?: string
  /** Read-only session (`default_transaction_read_only = on`). */
  readonly readOnly?: boolean
  /** Shown in pg_stat_activity. */
  readonly applicationName?: string
}

export type Connection = Client & AsyncDisposable

/** A session of a pool. Disposal gives it back. */
export type BorrowedConnection = Pick<Client, 'query'> & AsyncDisposable
