/** A row of pg_net's queue, with what is known of who made it. */
export type QueuedRequest = {
  readonly id: string
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string | null
  readonly timeout_milliseconds: number
  /** PG_CONTEXT: the calls that led to it, innermost first. May hold statements with values: for `makerOf` alone. */
  readonly made_by: string | null
  /** For a webhook: `<trigger> on <table>`. */
  readonly hook: string | null
}

export type Target =
  /** The project's own API, whatever project the URL names: to be had from the stack, under this path and query. */
  | { readonly own: string }
  /** Anything else. */
  | { readonly host: string }

/**
 * Where a request of the database is meant to go. A restored copy names its production's address
 * (`https://<ref>.supabase.co/functions/v1/…`), a local one or the stack's, which stand for the project itself.
 */
export function targetOf(url: string, stackUrl: string): Target {
  if (!URL.canParse(url)) return { host: 'an address that is none' }
  const { hostname, host, pathname, search, origin } = new URL(url)
  const path = `${pathname}${search}`
  if (/\.functions\.supabase\.(co|in)$/.test(hostname)) return { own: `/functions/v1${path}` }
  const own =
    origin === stackUrl ||
    /^[a-z0-9]+\.supabase\.(co|in|red)$/.test(hostname) ||
    /^(kong:8000|(localhost|127\.0\.0\.1|host\.docker\.internal):54321)$/.test(host)
  return own && /^\/(functions|rest|auth)\/v1\//.test(pathname) ? { own: path } : { host: hostname }
}

/** Who made a request, for a person: a trigger, a function with its line, or a statement of a session. */
export function makerOf({ made_by, hook }: Pick<QueuedRequest, 'made_by' | 'hook'>): { name: string; line?: number } {
  if (hook !== null) return { name: `trigger ${hook}` }
  for (const text of (made_by ?? '').split('\n')) {
    const [, procedural, line, plain] =
      /^(?:PL\/pgSQL function (.+?)\(.*\) line (\d+)|SQL function "(.+)" statement \d+)/.exec(text) ?? []
    const name = procedural ?? plain
    if (name === undefined || /^(net\.)?(_note_request|http_(get|post|delete))$/.test(name)) continue
    return { name: `function ${name}`, ...(line === undefined ? {} : { line: Number(line) }) }
  }
  return { name: 'a statement' }
}
