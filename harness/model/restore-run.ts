/** What became of a dump: every entry of its table of contents has a fate, and every table its two row counts. */
export type RestoreRun = {
  readonly dump: DumpFacts
  /** In the order of the table of contents. */
  readonly entries: readonly RestoredEntry[]
  readonly tables: readonly RestoredTable[]
  readonly extensions: readonly RestoredExtension[]
  /** Roles that the dump names and does not define, made here without login. */
  readonly rolesCreated: readonly string[]
  /** Milliseconds by phase: `read`, `pre-data`, `data`, `post-data`, `acl` … */
  readonly phases: readonly { readonly name: string; readonly milliseconds: number }[]
  readonly milliseconds: number
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
