import type { Client, ClientConfig, Pool, PoolConfig } from 'pg'
import type { EngineName } from '../model/config.ts'

/**
 * The seam over the places a Postgres cluster comes from. What an engine cannot do is a capability it lacks,
 * never a question for its name.
 */
export interface Engine {
  readonly name: EngineName
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
  /** Leave the server running when this process ends. */
  readonly keep?: boolean
  /** Image, for engines that run one. */
  readonly image?: string
  /** How large one of its databases will be, roughly, in bytes: decides between memory and disk. Default: 64 MiB. */
  readonly databaseBytes?: number
  /** Default: a free one. */
  readonly port?: number
}

export const capabilities = ['template-clones', 'extension-files', 'superuser', 'settings'] as const
export type Capability = (typeof capabilities)[number]

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
  /** Where it lives, for a person: a folder, a container's name, a host. Removing it removes a kept cluster. */
  readonly location: string
  /** One random password for every role that may log in. `preparePlatform` gives it to the platform's login roles. */
  readonly password: string
  /** Fails when the database exists. Without a template: an empty UTF-8 database (template0), owner `supabase_admin`. */
  createDatabase(name: string, options?: { readonly template?: string }): Promise<Database>
  /** A database that exists already. */
  database(name: string): Database
  stop(): Promise<void>
}

export interface Database extends AsyncDisposable {
  readonly name: string
  readonly cluster: Cluster
  /** Connection facts for `role` (default: the admin role). */
  config(role?: string): ClientConfig
  /** `postgres://role:password@127.0.0.1:port/name` */
  url(role?: string): string
  /** A connected client; `await using` ends it. */
  connect(options?: ConnectOptions): Promise<Connection>
  /** A pool, ended by the caller with `end()`. */
  pool(options?: ConnectOptions & Pick<PoolConfig, 'max'>): Pool
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
