import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where what takes long to make is kept from run to run: `GREENLIGHT_CACHE`, or the user's cache folder. */
export function cacheFolder(): string {
  if (process.env.GREENLIGHT_CACHE) return process.env.GREENLIGHT_CACHE
  // Root's home is closed to the user that the server runs as.
  if (process.getuid?.() === 0) return '/var/cache/supabase-greenlight'
  const home = homedir()
  return join(process.env.XDG_CACHE_HOME || (home ? join(home, '.cache') : tmpdir()), 'supabase-greenlight')
}
