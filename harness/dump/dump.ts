import type { DumpFacts } from '../model/restore-run.ts'

export type Section = 'none' | 'pre-data' | 'data' | 'post-data'

/** One item of an archive's table of contents, as it stands there. */
export type TocEntry = {
  readonly id: number
  /** `TABLE`, `TABLE DATA`, `FK CONSTRAINT`, `ACL` … */
  readonly type: string
  readonly section: Section
  readonly schema?: string
  /** Not quoted; for functions and ACLs with arguments or the type in front: `FUNCTION uid()`. */
  readonly name: string
  /** Empty for what has no owner. */
  readonly owner: string
  readonly definition: string
  readonly dropStatement: string
  /** `COPY public.t (a, b) FROM stdin;`; empty for archives that hold INSERT statements. */
  readonly copyStatement: string
  readonly tableAccessMethod?: string
  /** `r`, `p`, `v` …; told since 1.16 only. */
  readonly relationKind?: string
  readonly dependencies: readonly number[]
}

/** Where the data of an entry stands in the file. */
export type DataBlock = {
  readonly kind: 'rows' | 'large-objects'
  /** Of the first byte after the block's header, and of the first byte after the block. */
  readonly start: number
  readonly end: number
}

/** A dump that was read through to its end: whole, of a known version, its data not yet unpacked. */
export type Dump = {
  readonly facts: DumpFacts
  /** `170006` */
  readonly serverVersionNum: number
  /** Bytes of an integer in this archive. */
  readonly integerSize: number
  /** In the order of the table of contents. */
  readonly entries: readonly TocEntry[]
  /** By id of the entry. */
  readonly blocks: ReadonlyMap<number, DataBlock>
  /** Names of the extensions that it creates, sorted. */
  readonly extensions: readonly string[]
  /** Roles that it names as owner, grantee, grantor or in a policy, sorted; without Postgres' own. */
  readonly roles: readonly string[]
  /** Tables with rows in the archive, in its order. */
  readonly tables: readonly DumpedTable[]
}

export type DumpedTable = {
  readonly schema: string
  readonly name: string
  /** Of its `TABLE DATA` entry. */
  readonly entryId: number
  /** In the archive, compressed. */
  readonly bytes: number
}
