import type { EgressAttempt } from '../../model/stack.ts'

/**
 * The hosts that a function asked for and may not reach, once each, in the order of asking. Read from Deno's own record
 * of permissions, which notes an attempt before refusing it, whichever way it was made: fetch, sockets, Node's http.
 */
export function attemptsIn(audit: string, functionName: string, ports: readonly number[]): EgressAttempt[] {
  const allowed = new Set(['127.0.0.1:0', ...ports.map((port) => `127.0.0.1:${port}`)])
  const hosts = new Map<string, string>()
  for (const line of audit.split('\n')) {
    const entry = readEntry(line)
    if (entry === undefined || entry.permission !== 'net') continue
    const place = placeOf(entry.value)
    const host = place.replace(/:\d+$/, '')
    if (!allowed.has(place) && !hosts.has(host)) hosts.set(host, place)
  }
  return [...hosts].map(([host, place]) => ({
    function: functionName,
    host,
    detail: `${functionName} tried to reach ${place}; the attempt was refused.`,
  }))
}

/** `host:port` of a URL or of an address; path and parameters, which may hold a person's data, are dropped. */
function placeOf(value: string): string {
  if (!/^[a-z]+:\/\//i.test(value)) return value
  const { hostname, port, protocol } = new URL(value)
  return `${hostname}:${port || (protocol === 'http:' || protocol === 'ws:' ? '80' : '443')}`
}

function readEntry(line: string): { permission: string; value: string } | undefined {
  try {
    const entry: { permission?: unknown; value?: unknown } = JSON.parse(line)
    return typeof entry.permission === 'string' && typeof entry.value === 'string'
      ? { permission: entry.permission, value: entry.value }
      : undefined
  } catch {
    return undefined
  }
}
