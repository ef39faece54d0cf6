import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { HarnessError } from '../../errors.ts'
import { type FunctionSettings, type FunctionsConfig, readFunctionsConfig } from './config-toml.ts'

export type EdgeFunction = {
  readonly name: string
  /** Absolute path of the module that serves it. */
  readonly entry: string
  readonly verifyJwt: boolean
  /** Absolute path of the import map or `deno.json` that config.toml names. */
  readonly importMap?: string
  /** Why it cannot be loaded, where that is known without trying. */
  readonly problem?: string
}

export type Discovered = {
  readonly list: readonly EdgeFunction[]
  readonly config: FunctionsConfig
  /** Folders and settings that are no function, though they look like one. */
  readonly notes: readonly string[]
}

const namePattern = /^[A-Za-z][A-Za-z0-9_-]*$/
const entryNames = ['index.ts', 'index.js', 'index.mjs', 'index.tsx', 'index.jsx']

/**
 * The edge functions in a `supabase/functions` folder, by name: one folder each with an `index.ts`; `_shared` and other
 * folders that start with an underscore are none. Settings come from `config.toml` beside the folder, where there is one.
 * Throws `usage.invalid` when the folder or config.toml cannot be read.
 */
export async function discoverFunctions(folder: string): Promise<Discovered> {
  const root = resolve(folder)
  const configPath = join(dirname(root), 'config.toml')
  const config = readFunctionsConfig(await readFile(configPath, 'utf8').catch(() => ''), configPath)
  const notes: string[] = []
  const list: EdgeFunction[] = []
  const names = await foldersIn(root, folder)
  for (const name of names) {
    if (/^[._]/.test(name) || name === 'node_modules') continue
    const setting = config.functions.get(name) ?? {}
    if (setting.enabled === false) continue
    const entry = await entryOf(root, name, setting)
    if (entry === undefined) continue
    if (!namePattern.test(name)) {
      notes.push(
        `The folder ${name} is no function: a name starts with a letter and has letters, digits, _ and - only.`,
      )
      continue
    }
    const problem = await problemOf(root, entry)
    list.push({
      name,
      entry,
      verifyJwt: setting.verifyJwt ?? true,
      ...(setting.importMap === undefined ? {} : { importMap: join(dirname(root), setting.importMap) }),
      ...(problem === undefined ? {} : { problem }),
    })
  }
  for (const name of config.functions.keys()) {
    if (!names.includes(name)) notes.push(`config.toml has settings for the function ${name}, which has no folder.`)
  }
  return { list: list.sort((a, b) => (a.name < b.name ? -1 : 1)), config, notes: notes.sort() }
}

/** Names of folders, also of links to one. */
async function foldersIn(root: string, given: string): Promise<string[]> {
  try {
    const entries = await readdir(root, { withFileTypes: true })
    const links = entries.filter((entry) => entry.isSymbolicLink())
    const linked = await Promise.all(
      links.map(async ({ name }) =>
        (await stat(join(root, name)).catch(() => undefined))?.isDirectory() ? [name] : [],
      ),
    )
    return [...entries.filter((entry) => entry.isDirectory()).map(({ name }) => name), ...linked.flat()].sort()
  } catch (cause) {
    const isFile = (await stat(root).catch(() => undefined))?.isFile()
    throw new HarnessError(
      'usage.invalid',
      `The functions folder ${given} ${isFile ? 'is a file' : 'cannot be read'}. Name the folder that has one folder for each function (--functions, or "functions" in the config).`,
      { cause },
    )
  }
}

async function entryOf(root: string, name: string, { entrypoint }: FunctionSettings): Promise<string | undefined> {
  if (entrypoint !== undefined) return join(dirname(root), entrypoint)
  const files = await readdir(join(root, name))
  const index = entryNames.find((candidate) => files.includes(candidate))
  return index && join(root, name, index)
}

/** A function reads its own folder alone, so its module must lie in it; links are followed. */
async function problemOf(root: string, entry: string): Promise<string | undefined> {
  const shown = relative(dirname(root), entry)
  const [realRoot, real] = await Promise.all([realpath(root), realpath(entry).catch(() => undefined)])
  if (real === undefined) return `its entrypoint ${shown} does not exist`
  if (!(await stat(real)).isFile()) return `its entrypoint ${shown} is not a file`
  return isWithin(realRoot, real)
    ? undefined
    : `its entrypoint ${shown} lies outside the functions folder; move it there, or import it from a module there`
}

export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way !== '' && !way.startsWith('..') && !/^([A-Za-z]:)?[\\/]/.test(way)
}
