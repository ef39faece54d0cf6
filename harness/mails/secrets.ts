import { createHmac, timingSafeEqual } from 'node:crypto'

/** What must stand in no mail and no log, by what to call it. */
export type Secrets = {
  /** Signs every token of the stack. */
  readonly jwtSecret: string
  /** The anon key: a token, and public. */
  readonly anonKey: string
  /** Others by name: `RESEND_API_KEY`, `the service key`. */
  readonly named: Readonly<Record<string, string>>
}

const shortest = 12

/** Names of the secrets that a text holds, sorted, once each. */
export function secretsIn(text: string, { jwtSecret, anonKey, named }: Secrets): string[] {
  const found = Object.entries({ ...named, 'the JWT secret': jwtSecret })
    .filter(([, value]) => value.length >= shortest && text.includes(value))
    .map(([name]) => name)
  if (/sb_secret_[\w-]{20,}/.test(text)) found.push('a secret API key')
  const tokens = text.match(/eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/g) ?? []
  const others = tokens.filter((token) => token !== anonKey && !Object.values(named).includes(token))
  if (others.some((token) => isSignedWith(token, jwtSecret))) found.push("a user's access token")
  return [...new Set(found)].sort()
}

/** Values of an environment that are secret by their name. */
export function secretsOf(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name, value]) =>
        /(^|_)(KEY|SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIALS?)(_|$)/i.test(name) &&
        !/PUBLI|ANON/i.test(name) &&
        value !== '',
    ),
  )
}

function isSignedWith(token: string, secret: string): boolean {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const wanted = createHmac('sha256', secret).update(`${header}.${payload}`).digest()
  const given = Buffer.from(signature, 'base64url')
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}
