/** The rows of a table at one moment: equal wherever the rows are, in whatever order. */
export type Fingerprint = {
  /** `schema.table`, quoted where Postgres would need it. */
  readonly table: string
  /** Sorted. */
  readonly columns: readonly string[]
  readonly rows: number
  /** A sum of 64-bit hashes, in decimal. */
  readonly hash: string
}
