/** One migration file, read and split, before anything runs. */
export type MigrationFile = {
  /** File name without its folder: `204_update_rls_policies.sql`. */
  readonly name: string
  readonly path: string
  /** The digits in front, as text: `204`. Empty where the layout has none. */
  readonly version: string
  readonly sql: string
  /** Hex, of the file's bytes. */
  readonly sha256: string
  readonly statements: readonly Statement[]
  /** Drizzle: its time in the journal, in milliseconds since 1970. */
  readonly when?: number
  /** The way down, where the same file holds it; `sql` and `statements` above are then the way up alone. */
  readonly down?: MigrationFile
}

export type Statement = {
  /** Without its closing semicolon, as Supabase's CLI records it in the history. */
  readonly sql: string
  /** Of its first character in the file, from 1. */
  readonly line: number
  readonly column: number
  /** Of its first character in the file, from 0, in UTF-16 units. */
  readonly offset: number
  /** Must run outside a transaction block: CREATE INDEX CONCURRENTLY, VACUUM … */
  readonly standalone: boolean
}

export type MigrationStatus = 'not run' | 'applied' | 'failed' | 'rolled back'

export type AppliedMigration = {
  readonly name: string
  readonly version: string
  readonly sha256: string
  readonly status: MigrationStatus
  readonly statements: number
  /** One transaction for the whole file. */
  readonly atomic: boolean
  readonly milliseconds?: number
  readonly failure?: MigrationFailure
  /** Statements that the platform lets role postgres run and a plain server does not: they were run as superuser. */
  readonly elevated?: readonly Elevation[]
  /** Rows written per table, by the transactions that were opened for the file; sorted by table. */
  readonly rows?: readonly TableRows[]
  /** Each statement that was run, in order, where the run was traced. */
  readonly trace?: readonly TracedStatement[]
}

/** What one statement took and did. Lists that would be empty are absent. */
export type TracedStatement = {
  readonly line: number
  readonly column: number
  readonly milliseconds: number
  /** Written by it, its triggers and its functions; of statements that ran in a transaction. */
  readonly rows?: readonly TableRows[]
  /** Locks on tables, views and sequences that the transaction did not hold before it: the strongest of each object. */
  readonly locks?: readonly TakenLock[]
  /** Tables that were there and whose rows were all written anew. */
  readonly rewrites?: readonly string[]
  /** Written to the write-ahead log, in bytes. With `wal_level` minimal, a table made or rewritten adds none. */
  readonly walBytes: number
  /** Growth of the tables that it locked, with their indexes, in bytes. */
  readonly sizeBytes: number
}

export type LockMode =
  | 'ACCESS SHARE'
  | 'ROW SHARE'
  | 'ROW EXCLUSIVE'
  | 'SHARE UPDATE EXCLUSIVE'
  | 'SHARE'
  | 'SHARE ROW EXCLUSIVE'
  | 'EXCLUSIVE'
  | 'ACCESS EXCLUSIVE'

export type TakenLock = {
  /** `public.tasks` */
  readonly object: string
  readonly mode: LockMode
  /** The object was there before the first migration of the run. */
  readonly existed: boolean
  /** From when it was taken until its transaction ended, in milliseconds; at most so long, and at least that less 50 ms. */
  readonly heldMs: number
}

/** `right`: what was allowed, in words: "a policy on storage.objects". */
export type Elevation = { readonly line: number; readonly column: number; readonly right: string }

export type TableRows = {
  /** `public.tasks` */
  readonly table: string
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
}

export type MigrationFailure = {
  readonly sqlstate: string
  /** Postgres' message and hint; its detail is left out, since it may hold row values. */
  readonly message: string
  readonly hint?: string
  readonly line: number
  readonly column: number
  /** The line of the file with a caret under the place, three lines around it. */
  readonly excerpt: string
}

/** In the order of running; each file has its row from the start. */
export type MigrationRun = {
  readonly migrations: readonly AppliedMigration[]
  readonly milliseconds: number
}

export type RollbackRun = {
  readonly scripts: readonly {
    readonly name: string
    readonly migration: string
    readonly status: MigrationStatus | 'missing'
    readonly milliseconds?: number
    readonly failure?: MigrationFailure
  }[]
  readonly milliseconds: number
}
