import { parse, TomlError } from 'smol-toml'
import { HarnessError } from '../../errors.ts'

export type FunctionSettings = {
  readonly enabled?: boolean
  readonly verifyJwt?: boolean
  readonly entrypoint?: string
  readonly importMap?: string
}

export type FunctionsConfig = {
  readonly functions: ReadonlyMap<string, FunctionSettings>
  /** `[edge_runtime.secrets]`: a value, or the name of a variable of the machine's environment (`env(NAME)`). */
  readonly secrets: ReadonlyMap<string, Secret>
}

export type Secret = { readonly value: string } | { readonly variable: string }

type Table = Readonly<Record<string, unknown>>

/**
 * What a Supabase `config.toml` says of edge functions. Everything else in it is left alone.
 * Throws `usage.invalid`, with line and column, for a file that is no TOML, and for settings of the wrong type.
 */
export function readFunctionsConfig(toml: string, file: string): FunctionsConfig {
  const root = parsed(toml, file)
  const wrong: string[] = []
  const functions = new Map<string, FunctionSettings>()
  for (const [name, value] of Object.entries(tableOf(root.functions))) {
    const table = tableOf(value)
    const flag = (key: string) => {
      const setting = table[key]
      if (setting === undefined || typeof setting === 'boolean') return setting
      wrong.push(`functions.${name}.${key} must be a boolean`)
      return undefined
    }
    const path = (key: string) => {
      const setting = table[key]
      if (setting === undefined || typeof setting === 'string') return setting || undefined
      wrong.push(`functions.${name}.${key} must be a string`)
      return undefined
    }
    const enabled = flag('enabled')
    const verifyJwt = flag('verify_jwt')
    const entrypoint = path('entrypoint')
    const importMap = path('import_map')
    functions.set(name, {
      ...(enabled === undefined ? {} : { enabled }),
      ...(verifyJwt === undefined ? {} : { verifyJwt }),
      ...(entrypoint === undefined ? {} : { entrypoint }),
      ...(importMap === undefined ? {} : { importMap }),
    })
  }
  const secrets = new Map<string, Secret>()
  for (const [name, value] of Object.entries(tableOf(tableOf(root.edge_runtime).secrets))) {
    if (typeof value !== 'string') wrong.push(`edge_runtime.secrets.${name} must be a string`)
    else secrets.set(name, secretOf(value))
  }
  if (wrong.length > 0) throw new HarnessError('usage.invalid', `${file} cannot be used: ${wrong.join('; ')}.`)
  return { functions, secrets }
}

function parsed(toml: string, path: string): Table {
  try {
    return parse(toml)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    // The message goes on with the lines around the place, which may hold a secret.
    const [reason = ''] = error.message.split('\n')
    throw new HarnessError(
      'usage.invalid',
      `${path}:${error.line}:${error.column} cannot be read: ${reason}. Correct it, or move the functions to a folder without it.`,
    )
  }
}

function tableOf(value: unknown): Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : {}
}

function secretOf(value: string): Secret {
  const variable = /^env\(\s*([^)\s]+)\s*\)$/.exec(value)?.[1]
  return variable === undefined ? { value } : { variable }
}
