import { fileURLToPath } from 'node:url'

/**
 * Folder of stub control and SQL files for the extensions that the platform has and a plain server lacks. Absolute path.
 * A stub's comment is `STUB of <name>: <what it does not do>`: readers are told by it.
 */
export const extensionFiles: string = fileURLToPath(new URL('./extensions', import.meta.url))
