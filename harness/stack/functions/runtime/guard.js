// Runs before an edge function, in its process: lets it listen where the stack wants it, sends its mail to the double,
// tells the harness what belongs to which call, and gives the function what the platform's runtime has.
import { AsyncLocalStorage } from 'node:async_hooks'
import { Socket as DatagramSocket } from 'node:dgram'
import Module from 'node:module'
import { Socket } from 'node:net'
import { moveClock } from './clock.js'

const take = (name) => {
  const value = Deno.env.get(name)
  Deno.env.delete(name)
  return value
}
const nonce = take('GREENLIGHT_NONCE')
for (const name of ['DENO_DIR', 'DENO_AUDIT_PERMISSIONS', 'DENO_TRACE_PERMISSIONS', 'DENO_NO_UPDATE_CHECK']) take(name)
for (const name of ['NO_COLOR', 'PATH', 'PWD', 'OLDPWD', 'SHLVL', '_']) take(name)
const resend = Deno.env.get('RESEND_BASE_URL')
moveClock(Number(take('GREENLIGHT_CLOCK') ?? 0))

const print = console.log.bind(console)
const tell = (kind, value = '') => print(`${nonce} ${kind} ${value}`)
const calls = new AsyncLocalStorage()

// Each text that a function writes is told with its call and level; what is written otherwise belongs to no call.
for (const level of ['debug', 'info', 'log', 'warn', 'error']) {
  console[level] = (...values) => {
    tell('begin', `${level} ${calls.getStore() ?? ''}`)
    print(...values)
    tell('end')
  }
}

// Deno keeps a record of every permission asked for, but not of these; an access to a variable puts them there.
const note = (kind, subject) => {
  try {
    Deno.env.get(`greenlight ${kind} ${subject}`)
  } catch {
    // A name that no variable can have: no host either.
  }
}
const { Command, resolveDns } = Deno
Deno.Command = class extends Command {
  constructor(...args) {
    note('program', '')
    super(...args)
  }
}
Deno.resolveDns = (name, ...args) => {
  note('name', String(name).replace(/[=\0]/g, ''))
  return resolveDns(name, ...args)
}
// Node's sockets are noted with the stack that was seen last, whoever's it was; this makes it theirs.
for (const [{ prototype }, method] of [
  [Socket, 'connect'],
  [DatagramSocket, 'bind'],
  [DatagramSocket, 'send'],
]) {
  const original = prototype[method]
  prototype[method] = function (...args) {
    note('socket', '')
    return original.apply(this, args)
  }
}
// Looking for a package asks for hundreds of files, and Deno notes each with the stack: a third of a second at each start.
// No code but Node's own runs meanwhile. Loading is left alone: it runs the package.
for (const name of ['_resolveFilename', '_nodeModulePaths']) {
  const original = Module[name]
  Module[name] = function (...args) {
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    try {
      return original.apply(this, args)
    } finally {
      Error.stackTraceLimit = limit
    }
  }
}
// As on the platform: a worker would be out of sight.
delete globalThis.Worker

const background = new Set()
globalThis.EdgeRuntime = {
  waitUntil(promise) {
    const task = Promise.resolve(promise).catch((error) => {
      console.error('A background task failed:', error)
    })
    background.add(task)
    task.finally(() => background.delete(task))
  },
}
const drain = async () => {
  globalThis.dispatchEvent(new CustomEvent('beforeunload', { detail: { reason: 'termination' } }))
  while (background.size > 0) await Promise.all(background)
}

const listen = Deno.serve.bind(Deno)
Deno.serve = (...args) => {
  const options = typeof args[0] === 'function' ? {} : args[0]
  const handler = typeof args[0] === 'function' ? args[0] : (args[1] ?? options.handler)
  const { signal, onError } = options
  return listen(
    {
      hostname: '127.0.0.1',
      port: 0,
      onListen: ({ port }) => tell('port', port),
      ...(signal ? { signal } : {}),
      ...(onError ? { onError } : {}),
    },
    async (request, info) => {
      const headers = new Headers(request.headers)
      if (headers.get('x-greenlight-drain') === nonce) {
        await drain()
        return new Response()
      }
      const call = headers.get('x-greenlight-call') ?? ''
      moveClock(Number(headers.get('x-greenlight-clock') ?? 0))
      headers.delete('x-greenlight-call')
      headers.delete('x-greenlight-clock')
      const own = new Request(request, { headers })
      return calls.run(call, () => handler(own, info))
    },
  )
}

const send = globalThis.fetch
globalThis.fetch = (input, init) => {
  const address = input instanceof Request ? input.url : String(input)
  if (!/^https:\/\/api\.resend\.com(\/|$)/.test(address)) return send(input, init)
  const double = resend + address.slice('https://api.resend.com'.length)
  return input instanceof Request ? send(new Request(double, input), init) : send(double, init)
}
