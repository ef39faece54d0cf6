export type FunctionSettings = {
  readonly enabled?: boolean
  readonly verifyJwt?: boolean
  readonly entrypoint?: string
  readonly importMap?: string
}

const keys: Readonly<Record<string, keyof FunctionSettings>> = {
  enabled: 'enabled',
  verify_jwt: 'verifyJwt',
  entrypoint: 'entrypoint',
  import_map: 'importMap',
}

/** The tables `[functions.<name>]` of a Supabase `config.toml`: plain booleans and strings, which is all that they hold. */
export function readFunctionSettings(toml: string): Map<string, FunctionSettings> {
  const settings = new Map<string, FunctionSettings>()
  let current: string | undefined
  for (const line of toml.split(/\r?\n/)) {
    const table = /^\s*\[([^\]]+)\]/.exec(line)
    if (table !== null) {
      current = /^functions\.(?:"([^"]+)"|'([^']+)'|([\w-]+))$/
        .exec(table[1]?.trim() ?? '')
        ?.slice(1)
        .find((name) => name !== undefined)
      continue
    }
    const pair = /^\s*(\w+)\s*=\s*(?:(true|false)|"([^"]*)"|'([^']*)')\s*(?:#.*)?$/.exec(line)
    const key = keys[pair?.[1] ?? '']
    if (current === undefined || pair === null || key === undefined) continue
    const value = pair[2] === undefined ? (pair[3] ?? pair[4] ?? '') : pair[2] === 'true'
    settings.set(current, { ...settings.get(current), [key]: value })
  }
  return settings
}
