import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import type { Secret } from './config-toml.ts'

export type Secrets = {
  readonly values: Readonly<Record<string, string>>
  /** What was left out and why, one sentence each; names only. */
  readonly notes: readonly string[]
}

/** Set by the platform or by the runtime: as for the Supabase CLI, nobody else's to set. */
const reserved = /^(SUPABASE_|SB_REGION$|SB_EXECUTION_ID$|DENO_|GREENLIGHT_|LD_|DYLD_)/
/** Deno would send every request through it, past its own permissions. */
const proxies = /^(https?|all|no)_proxy$/i

/**
 * The variables that a project gives its functions. A later one wins: `[edge_runtime.secrets]` of config.toml, `.env` and
 * `.env.local` of the functions folder, `functionsEnv` of the config.
 */
export async function readSecrets(
  root: string,
  fromToml: ReadonlyMap<string, Secret>,
  extra: Readonly<Record<string, string>>,
): Promise<Secrets> {
  const values: Record<string, string> = {}
  const notes: string[] = []
  for (const [name, secret] of fromToml) {
    const value = 'value' in secret ? secret.value : process.env[secret.variable]
    if (value !== undefined) values[name] = value
    else if ('variable' in secret)
      notes.push(`config.toml takes ${name} from ${secret.variable}, which is not set here.`)
  }
  for (const file of ['.env', '.env.local']) {
    const text = await readFile(join(root, file), 'utf8').catch(() => undefined)
    if (text !== undefined) Object.assign(values, parseEnv(text))
  }
  Object.assign(values, extra)
  for (const name of Object.keys(values).sort()) {
    if (reserved.test(name)) notes.push(`${name} was not passed to the functions: the platform sets such names itself.`)
    else if (proxies.test(name)) notes.push(`${name} was not passed to the functions: they reach the stack alone.`)
    else if (name === 'RESEND_BASE_URL') notes.push(`${name} was not passed to the functions: mail goes to the double.`)
    else continue
    delete values[name]
  }
  return { values, notes }
}
