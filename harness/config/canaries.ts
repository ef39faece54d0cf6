import { readFile } from 'node:fs/promises'
import { HarnessError, messageOf } from '../errors.ts'
import type { Canary } from '../model/config.ts'

export type CanaryLogin = { readonly email: string; readonly password: string }

/**
 * The passwords of the canaries, from the environment or their file (JSON: e-mail → password).
 * Throws `config.invalid`, naming every canary whose password cannot be had.
 */
export async function canaryLogins(canaries: readonly Canary[], env: NodeJS.ProcessEnv): Promise<CanaryLogin[]> {
  const complaints: string[] = []
  const logins: CanaryLogin[] = []
  for (const [at, { email, passwordEnv, passwordsFile }] of canaries.entries()) {
    const found = passwordEnv === undefined ? await passwordInFile(passwordsFile ?? '', email) : env[passwordEnv]
    if (typeof found === 'string' && found !== '') logins.push({ email, password: found })
    else if (found instanceof Error) complaints.push(`canaries[${at}]: ${found.message}`)
    else
      complaints.push(
        `canaries[${at}]: no password in ${passwordEnv === undefined ? passwordsFile : `the environment variable ${passwordEnv}`}`,
      )
  }
  if (complaints.length === 0) return logins
  throw new HarnessError(
    'config.invalid',
    `Passwords of canaries are missing:\n${complaints.map((line) => `  - ${line}`).join('\n')}`,
    { facts: { complaints } },
  )
}

async function passwordInFile(path: string, email: string): Promise<string | Error | undefined> {
  try {
    const passwords: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (typeof passwords !== 'object' || passwords === null)
      return new Error(`${path} must hold an object: e-mail → password`)
    const password = Object.entries(passwords).find(([key]) => key === email)?.[1]
    return typeof password === 'string' ? password : undefined
  } catch (cause) {
    return new Error(`${path} cannot be read: ${messageOf(cause)}`)
  }
}
