import { isAbsolute, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { EgressAttempt } from '../../model/stack.ts'
import { isWithin } from './discover.ts'

export type AuditContext = {
  readonly function: string
  /** The functions folder. */
  readonly root: string
  /** Ports on 127.0.0.1 that are the stack's. */
  readonly ports: readonly number[]
  /** Folders besides the functions folder that it may read: packages. */
  readonly readable: readonly string[]
}

type Entry = { readonly permission: string; readonly value: string; readonly stack: readonly string[] }

/**
 * The ways out of the stack that a function tried, once each, in the order of asking. Read from Deno's own record of
 * permissions, which notes an attempt with the place in the source before refusing it, whichever way it was made: fetch,
 * sockets, Node's http, a program, a library.
 */
export function attemptsIn(audit: string, context: AuditContext): EgressAttempt[] {
  const attempts = new Map<string, EgressAttempt>()
  for (const line of audit.split('\n')) {
    const entry = readEntry(line)
    const target = entry === undefined ? undefined : targetOf(entry, context)
    if (entry === undefined || target === undefined) continue
    // An import is noted with the stack that was seen last, whoever's it was.
    const where = entry.permission === 'import' ? undefined : placeIn(entry.stack, context.root)
    const key = `${target.host}\0${where ?? ''}`
    if (attempts.has(key)) continue
    attempts.set(key, {
      function: context.function,
      host: target.host,
      detail: `${context.function} tried to ${target.deed}${where === undefined ? '' : ` in ${where}`}; the attempt was refused.`,
      ...(where === undefined ? {} : { where }),
    })
  }
  return [...attempts.values()]
}

/** Written by the guard where Deno itself keeps no record: as an access to a variable of this name. */
const note = /^greenlight (program|name) (.*)$/

function targetOf(entry: Entry, { root, ports, readable }: AuditContext): { host: string; deed: string } | undefined {
  const { permission, value, stack } = entry
  if (permission === 'net') {
    const place = placeOf(value)
    if (place === '127.0.0.1:0' || ports.some((port) => place === `127.0.0.1:${port}`)) return undefined
    // The server asked is the machine's own; the name asked for is in the guard's note, where the guard saw it.
    if (stack[0]?.startsWith('op_dns_resolve')) {
      return stack.some((line) => line.includes(runtime))
        ? undefined
        : { host: 'a name server', deed: 'ask a name server' }
    }
    if (/^(0\.0\.0\.0|\[::\]):/.test(place)) return { host: 'any address', deed: `open a socket on ${place}` }
    return { host: place.replace(/:\d+$/, ''), deed: `reach ${place}` }
  }
  if (permission === 'import')
    return { host: placeOf(value).replace(/:\d+$/, ''), deed: `load code from ${placeOf(value)}` }
  if (permission === 'ffi') return { host: 'a native library', deed: 'load a native library' }
  if (permission === 'env') {
    const [, kind, subject = ''] = note.exec(value) ?? []
    if (kind === 'name') return { host: subject, deed: `look up ${subject}` }
    const spawned = stack.some((frame) => frame.includes('ext:deno_node/child_process'))
    return kind === 'program' || spawned ? { host: 'a program', deed: 'run a program' } : undefined
  }
  // Packages look around on the disk for their settings; the project's own code reads what it means to read.
  if (permission === 'read' || permission === 'write') {
    const own = [root, '/tmp', ...readable].some((folder) => value === folder || isWithin(folder, value))
    if (own || !isAbsolute(value) || !callerIsOwn(stack, root)) return undefined
    return { host: 'a file of the machine', deed: `${permission} a file outside the functions folder` }
  }
  return undefined
}

/** `host:port` of a URL or of an address; path and parameters, which may hold a person's data, are dropped. */
function placeOf(value: string): string {
  if (!/^[a-z]+:\/\//i.test(value) || !URL.canParse(value)) return value
  const { hostname, port, protocol } = new URL(value)
  return `${hostname}:${port || (protocol === 'http:' || protocol === 'ws:' ? '80' : '443')}`
}

const frame = /(file:\/\/[^\s)]+?):(\d+):\d+\)?$/

/** Whether the file was asked for by name in the functions folder, and not by looking for a package. */
function callerIsOwn(stack: readonly string[], root: string): boolean {
  if (stack.some((line) => line.includes('ext:deno_node/01_require'))) return false
  const first = stack.map((line) => frame.exec(line)?.[1]).find((url) => url !== undefined && !isRuntime(url))
  return first !== undefined && isWithin(root, fileURLToPath(first))
}

/** `file:line` of the innermost call that stands in the functions folder, from that folder. */
function placeIn(stack: readonly string[], root: string): string | undefined {
  for (const line of stack) {
    const [, url, number] = frame.exec(line) ?? []
    if (url === undefined || isRuntime(url)) continue
    const path = fileURLToPath(url)
    if (isWithin(root, path) && !path.includes('/node_modules/')) return `${relative(root, path)}:${number}`
  }
  return undefined
}

const runtime = new URL('./runtime/', import.meta.url).href
const isRuntime = (url: string) => url.startsWith(runtime)

function readEntry(line: string): Entry | undefined {
  try {
    const entry: { permission?: unknown; value?: unknown; stack?: unknown } = JSON.parse(line)
    if (typeof entry.permission !== 'string') return undefined
    const stack = Array.isArray(entry.stack) ? entry.stack.filter((frame) => typeof frame === 'string') : []
    return { permission: entry.permission, value: typeof entry.value === 'string' ? entry.value : '', stack }
  } catch {
    return undefined
  }
}
