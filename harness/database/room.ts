const gibibyte = 2 ** 30

/** Room for a cluster whose databases have `databaseBytes` (default: 64 MiB): before, after, some clones at a time, the log and the server's own. */
export function neededBytes(databaseBytes = 64 * 2 ** 20): number {
  return gibibyte + 8 * databaseBytes
}
