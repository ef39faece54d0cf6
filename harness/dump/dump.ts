import type { DumpFacts, NotInDump } from '../model/restore-run.ts'

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
  /** `COPY public.t (a, b) FROM stdin;`, of entries with rows. */
  readonly copyStatement: string
  readonly tableAccessMethod?: string
  /** `r`, `p`, `v` …; told since 1.16 only. */
  readonly relationKind?: string
  readonly dependencies: readonly number[]
}

/**
 * `copy`: rows in COPY's text format. `large-objects`: their bytes.
 */
export type DataForm = 'copy' | 'large-objects'

export type LargeObjectPiece = { readonly oid: number; readonly offset: number; readonly bytes: Buffer }

/**
 * The data of a dump by id of its entry, wherever the format keeps it. Nothing is held in memory; what is asked for is
 * read and unpacked then, by several readers at once if they like. What does not unpack throws `dump.corrupt`.
 */
export interface DumpData {
  /** Undefined for an entry without data. */
  form(entryId: number): DataForm | undefined
  /** As the dump holds it, packed; 0 for an entry without data. */
  bytes(entryId: number): number
  /** Of an entry of form `copy`, in the dump's encoding, closed by a `\.` line or by its end. Pieces end anywhere. */
  rows(entryId: number): AsyncIterable<Buffer>
  /** Of an entry of form `large-objects`: each one's pieces in order, one object after the other. */
  largeObjects(entryId: number): AsyncIterable<LargeObjectPiece>
}

/** Disposing of it removes what was unpacked to read it. */
export type Dump = DumpContent & AsyncDisposable

/** A dump that was read through to its end: whole, of a known version, its data not yet unpacked. */
export type DumpContent = {
  readonly facts: DumpFacts
  /** What was given: one for each file, and one for the folder of a directory archive. */
  readonly sources: readonly DumpSource[]
  /** `170006` */
  readonly serverVersionNum: number
  /** Of its rows, as Postgres calls it: `UTF8`, hardly ever another. What else it tells is text already. */
  readonly encoding: string
  /** In the order of the table of contents. */
  readonly entries: readonly TocEntry[]
  readonly data: DumpData
  /** Names of the extensions that it creates, sorted. */
  readonly extensions: readonly string[]
  /** Roles that it names as owner, grantee, grantor or in a policy, sorted; without Postgres' own. */
  readonly roles: readonly string[]
  /** Tables with rows in the dump, in its order. */
  readonly tables: readonly DumpedTable[]
  /** Present when the platform's own schemas are not in the dump, though their rows are: they have to be made for it. */
  readonly missing?: MissingParts
  /** What it cannot hold, and nobody can make up. */
  readonly notInDump?: readonly NotInDump[]
}

export type MissingParts = {
  /** Of migrations. */
  readonly history: boolean
}

export type DumpSource = {
  readonly path: string
  /** Of the bytes as they were given, packed or not. */
  readonly sha256: string
  readonly bytes: number
}

export type DumpedTable = {
  readonly schema: string
  readonly name: string
  /** Of its `TABLE DATA` entry. */
  readonly entryId: number
  /** In the dump, packed. */
  readonly bytes: number
}

export function displayEntry(entry: TocEntry): string {
  return entry.schema ? `${entry.schema}.${entry.name}` : entry.name
}
