import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { HarnessError } from '../../errors.ts'
import { readFunctionSettings } from './config-toml.ts'

export type EdgeFunction = {
  readonly name: string
  /** Absolute path of the module that serves it. */
  readonly entry: string
  readonly verifyJwt: boolean
  /** Absolute path of the import map or `deno.json` that config.toml names. */
  readonly importMap?: string
}

const namePattern = /^[A-Za-z][A-Za-z0-9_-]*$/
const entryNames = ['index.ts', 'index.js', 'index.mjs', 'index.tsx', 'index.jsx']

/**
 * The edge functions in a `supabase/functions` folder, by name: one folder each with an `index.ts`; `_shared` and other
 * folders that start with an underscore are none. Settings come from `config.toml` beside the folder, where there is one.
 * Throws `usage.invalid` when the folder cannot be read.
 */
export async function discoverFunctions(folder: string): Promise<EdgeFunction[]> {
  const root = resolve(folder)
  const entries = await readdir(root, { withFileTypes: true }).catch((cause: unknown) => {
    throw new HarnessError(
      'usage.invalid',
      `The functions folder ${folder} cannot be read. Check --functions (or "functions" in the config).`,
      { cause },
    )
  })
  const configFolder = join(root, '..')
  const settings = readFunctionSettings(await readFile(join(configFolder, 'config.toml'), 'utf8').catch(() => ''))
  const found: EdgeFunction[] = []
  for (const { name } of entries.filter((entry) => entry.isDirectory() && namePattern.test(entry.name))) {
    const setting = settings.get(name)
    if (setting?.enabled === false) continue
    const files = await readdir(join(root, name))
    const index = entryNames.find((candidate) => files.includes(candidate))
    const entry = setting?.entrypoint ? join(configFolder, setting.entrypoint) : index && join(root, name, index)
    if (entry === undefined) continue
    found.push({
      name,
      entry,
      verifyJwt: setting?.verifyJwt ?? true,
      ...(setting?.importMap ? { importMap: join(configFolder, setting.importMap) } : {}),
    })
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}
