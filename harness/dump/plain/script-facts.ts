/** What a script says of itself, beside its entries. */
export type ScriptFacts = {
  /** pg_dumpall wrote it. */
  cluster: boolean
  clusterComplete: boolean
  /** How often pg_dump says that it begins, and that it is complete. */
  dumps: number
  dumpsComplete: number
  /** Its last statement is RESET ALL, as the platform's CLI puts there. */
  reset: boolean
  /** Its rows are to be loaded without foreign keys and triggers. */
  replica: boolean
  serverVersion: string | undefined
  /** The one that is restored; undefined where the script names none. */
  database: string | undefined
  /** At its end. */
  standardStrings: boolean
  searchPath: string | undefined
}

export function unknownFacts(): ScriptFacts {
  return {
    cluster: false,
    clusterComplete: false,
    dumps: 0,
    dumpsComplete: 0,
    reset: false,
    replica: false,
    serverVersion: undefined,
    database: undefined,
    standardStrings: true,
    searchPath: undefined,
  }
}
