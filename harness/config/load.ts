import { createHash } from 'node:crypto'
import { access, readFile } from 'node:fs/promises'
import { registerHooks } from 'node:module'
import { dirname, isAbsolute, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { HarnessError, messageOf } from '../errors.ts'
import type { GreenlightConfig } from '../model/config.ts'
import { complaints } from './complaints.ts'
import { configSchema } from './schema.ts'

export type LoadedConfig = {
  /** Paths in it are absolute. */
  readonly config: GreenlightConfig
  /** Folder that relative paths were resolved against. */
  readonly folder: string
  /** Absent when there is no config file. */
  readonly source?: { readonly path: string; readonly sha256: string }
}

const defaultNames = ['greenlight.config.ts', 'greenlight.config.mts', 'greenlight.config.js', 'greenlight.config.mjs']

/**
 * Loads and checks the config: the file named, else `greenlight.config.*` in `cwd`, else nothing (all defaults).
 * Throws `config.not-found`, `config.unloadable`, `config.invalid` (every complaint in one message).
 */
export async function loadConfig(named: string | undefined, cwd: string): Promise<LoadedConfig> {
  const path = named === undefined ? await findDefault(cwd) : resolve(cwd, named)
  if (path === undefined) return { config: {}, folder: cwd }
  const bytes = await readFile(path).catch((cause) => {
    throw new HarnessError(
      'config.not-found',
      `There is no config at ${path}. Name another with --config, or leave it out.`,
      { cause },
    )
  })
  const exported = await importDefault(path)
  return {
    config: absolutePaths(checkConfig(exported, path), dirname(path)),
    folder: dirname(path),
    source: { path, sha256: createHash('sha256').update(bytes).digest('hex') },
  }
}

/** Throws `config.invalid` with all complaints together. `origin` is named in the message. */
export function checkConfig(exported: unknown, origin: string): GreenlightConfig {
  const parsed = configSchema.safeParse(exported)
  if (parsed.success) return parsed.data
  const lines = complaints(parsed.error, configSchema)
  const count = lines.length === 1 ? 'one thing is wrong' : `${lines.length} things are wrong`
  throw new HarnessError('config.invalid', `In ${origin} ${count}:\n${lines.map((line) => `  - ${line}`).join('\n')}`, {
    facts: { complaints: lines },
  })
}

async function importDefault(path: string): Promise<unknown> {
  using _ = readingTypeScriptAsModules()
  try {
    const module: { default?: unknown } = await import(pathToFileURL(path).href)
    if (module.default !== undefined) return module.default
  } catch (cause) {
    throw new HarnessError('config.unloadable', `${path} cannot be loaded: ${messageOf(cause)}`, { cause })
  }
  throw new HarnessError(
    'config.unloadable',
    `${path} has no default export. Write: export default defineConfig({ … })`,
  )
}

/**
 * Until disposed, TypeScript of a project without `"type": "module"` (what `npm init` makes) is read as a module, as
 * every config is written; Node alone takes it for CommonJS and refuses its `import`.
 */
function readingTypeScriptAsModules(): Disposable {
  const hooks = registerHooks({
    load(url, context, next) {
      const typeScript = url.startsWith('file:') && url.endsWith('.ts') && !url.includes('/node_modules/')
      return next(url, typeScript ? { ...context, format: 'module-typescript' } : context)
    },
  })
  return { [Symbol.dispose]: () => hooks.deregister() }
}

async function findDefault(cwd: string): Promise<string | undefined> {
  for (const name of defaultNames) {
    const path = resolve(cwd, name)
    const found = await access(path).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  return undefined
}

function absolutePaths(config: GreenlightConfig, folder: string): GreenlightConfig {
  const at = (path: string) => (path === '-' || isAbsolute(path) ? path : resolve(folder, path))
  const { dump, migrations, rollback, development, functions, out, suites, canaries } = config
  return {
    ...config,
    ...(dump === undefined ? {} : { dump: typeof dump === 'string' ? at(dump) : dump.map(at) }),
    ...(migrations === undefined ? {} : { migrations: at(migrations) }),
    ...(rollback === undefined ? {} : { rollback: at(rollback) }),
    ...(development === undefined
      ? {}
      : { development: /^postgres(ql)?:\/\//.test(development) ? development : at(development) }),
    ...(functions === undefined ? {} : { functions: at(functions) }),
    ...(out === undefined ? {} : { out: at(out) }),
    ...(suites === undefined ? {} : { suites: suites.map(at) }),
    ...(canaries === undefined
      ? {}
      : {
          canaries: canaries.map((canary) =>
            canary.passwordsFile === undefined ? canary : { ...canary, passwordsFile: at(canary.passwordsFile) },
          ),
        }),
  }
}
