/** What became of a dump: every entry of its table of contents has a fate, and every table its two row counts. */
export type RestoreRun = {
  readonly dump: DumpFacts
  /** Of the server that took it: `17.10`. */
  readonly serverVersion: string
  /** In the order of the table of contents. */
  readonly entries: readonly RestoredEntry[]
  readonly tables: readonly RestoredTable[]
  readonly extensions: readonly RestoredExtension[]
  /** Roles that the dump names and does not define, made here without login. */
  readonly rolesCreated: readonly string[]
  /** Present when personal data was masked on the way in. */
  readonly masking?: MaskingRun
  /** What the dump cannot hold and nobody can make up; absent for a dump of the whole database. */
  readonly notInDump?: readonly NotInDump[]
  /** Foreign keys that rows of the dump break: they were loaded while nothing checked them. */
  readonly brokenReferences?: readonly BrokenReference[]
  /** Milliseconds by phase: `read`, `pre-data`, `data`, `post-data`, `acl` … */
  readonly phases: readonly { readonly name: string; readonly milliseconds: number }[]
  readonly milliseconds: number
}

export type NotInDump = {
  readonly object: string
  /** A sentence. */
  readonly title: string
  readonly evidence: readonly string[]
}

export type BrokenReference = {
  readonly schema: string
  readonly table: string
  readonly constraint: string
  readonly rows: number
}

export type DumpFacts = {
  readonly path: string
  readonly format: 'custom' | 'directory' | 'tar' | 'plain' | 'cluster' | 'supabase-cli'
  /** `1.16` for an archive. */
  readonly archiveVersion?: string
  /** Server that was dumped, as it calls itself: `17.6`. */
  readonly serverVersion: string
  readonly compression: 'none' | 'gzip' | 'lz4' | 'zstd'
  readonly bytes: number
  /** Of the dump file, hex. */
  readonly sha256: string
  readonly database: string
  /** ISO 8601, local time of the dumping host, as the archive tells it. */
  readonly createdAt?: string
}

export type EntryFate = 'restored' | 'stubbed' | 'refused' | 'failed'

export type RestoredEntry = {
  readonly id: number
  /** As in the table of contents: `TABLE`, `TABLE DATA`, `FK CONSTRAINT`, `ACL` … */
  readonly type: string
  readonly schema?: string
  readonly name: string
  readonly owner: string
  readonly fate: EntryFate
  /** Why, for every fate but `restored`; the SQLSTATE and message for `failed`. */
  readonly reason?: string
}

export type RestoredTable = {
  readonly schema: string
  readonly name: string
  readonly rowsInArchive: number
  readonly rowsLoaded: number
}

export type RestoredExtension = {
  readonly name: string
  readonly mode: 'real' | 'stub' | 'absent'
  /** What a reader must know of a stub: "no job ever runs". */
  readonly note?: string
}

/** What was masked on the way into the copy. */
export type MaskingRun = {
  /** `random`: made for this run and forgotten with it; `given`: from the environment, so that another run masks alike. */
  readonly key: 'random' | 'given'
  /** Sorted by table and column; of columns in whose texts addresses and keys were looked for, those that had some. */
  readonly columns: readonly MaskedColumn[]
}

export type MaskedColumn = {
  /** `schema.table` */
  readonly table: string
  readonly column: string
  /** The kind of the mask: `email`, `phone` … */
  readonly as: string
  /** Why: told by the config (or a pattern of it), the platform's own, found by name, values or type, tied by a foreign key, or mentions in a text. */
  readonly reason: string
  /** How many values were replaced. */
  readonly values: number
}
