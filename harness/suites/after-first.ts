import { basename, dirname, relative } from 'node:path'

/**
 * Built-in suites of edge functions. The functions are those of the deploy: production never runs them on the database
 * as it is, so that what they do there is no measure of what they did. They are tried on after; on before only where
 * something is wrong on after, to tell what the migrations broke from what the functions get wrong by themselves.
 */
const folders: readonly string[] = ['mail-configuration', 'notifications', 'rate-limiting', 'reminders']

/** Whether a suite file is tried on after first, and on before only if need be. A customer's own files never are. */
export function isAfterFirst(file: string, suitesFolder: string): boolean {
  const path = relative(suitesFolder, file)
  return dirname(path) === basename(dirname(path)) && folders.includes(dirname(path))
}
