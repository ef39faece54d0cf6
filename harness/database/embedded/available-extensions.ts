import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packagedExtensions } from './binaries.ts'

export type AvailableExtension = { readonly comment: string; readonly schema?: string }

/**
 * What CREATE EXTENSION can create on an embedded server with these extension files, by name: what the server would
 * tell in `pg_available_extensions`, read from its control files.
 */
export async function availableExtensions(extensionFiles: string): Promise<Map<string, AvailableExtension>> {
  const extensions = new Map<string, AvailableExtension>()
  // What the server really has is never replaced by a stub.
  for (const folder of [extensionFiles, await packagedExtensions()]) {
    for (const file of await readdir(folder)) {
      const name = /^((?:(?!--).)+)\.control$/.exec(file)?.[1]
      if (name !== undefined) extensions.set(name, readControl(await readFile(join(folder, file), 'utf8')))
    }
  }
  return extensions
}

/** Pure: of a control file. Format: https://www.postgresql.org/docs/current/extend-extensions.html */
function readControl(text: string): AvailableExtension {
  const setting = (name: string) => {
    const [, quoted, bare] = new RegExp(`^\\s*${name}\\s*=?\\s*(?:'((?:[^']|'')*)'|([^\\s#']+))`, 'm').exec(text) ?? []
    return quoted?.replaceAll("''", "'") ?? bare
  }
  const schema = setting('schema')
  return { comment: setting('comment') ?? '', ...(schema === undefined ? {} : { schema }) }
}
