import { fileURLToPath } from 'node:url'

/**
 * Folder of stub control and SQL files for the extensions that the platform has and a plain server lacks. Absolute path.
 * A stub's comment is `STUB of <name>: <what it does not do>`: readers are told by it.
 */
export const extensionFiles: string = fileURLToPath(new URL('./extensions', import.meta.url))

/**
 * Extensions that are stubs also where the server has the real one: it would act on its own (pg_cron, pg_net), serve one
 * database of a cluster alone, or refuse to work because its library was not loaded at the start.
 */
export const preloadedExtensions: readonly string[] = ['pg_cron', 'pg_net', 'pgsodium', 'supabase_vault']
