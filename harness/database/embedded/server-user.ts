import { execFileSync } from 'node:child_process'
import { HarnessError } from '../../errors.ts'

export type ServerUser = { readonly uid: number; readonly gid: number }

/**
 * Postgres refuses to run as root, so root lends it another user: `postgres` where the machine has one, else `nobody`.
 * `undefined`: this process is not root, and the server runs as its own user.
 */
export function serverUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const uid = idOf('-u', name)
    const gid = idOf('-g', name)
    if (uid !== undefined && gid !== undefined) return { uid, gid }
  }
  throw new HarnessError(
    'engine.unavailable',
    'Postgres does not run as root, and this machine has neither a user "postgres" nor "nobody" to run it as. Run Greenlight as an ordinary user, or use --engine container.',
  )
}

function idOf(flag: '-u' | '-g', name: string): number | undefined {
  try {
    return Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  } catch {
    return undefined
  }
}
