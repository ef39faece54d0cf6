// Runs before an edge function, in its process: lets it listen where the stack wants it, and sends its mail to the double.

const take = (name) => {
  const value = Deno.env.get(name)
  Deno.env.delete(name)
  return value
}
const nonce = take('GREENLIGHT_NONCE')
for (const name of ['DENO_DIR', 'DENO_AUDIT_PERMISSIONS', 'NO_COLOR', 'PATH', 'PWD', 'OLDPWD', 'SHLVL', '_']) take(name)
const resend = Deno.env.get('RESEND_BASE_URL')

const listen = Deno.serve.bind(Deno)
Deno.serve = (...args) => {
  const options = typeof args[0] === 'function' ? {} : args[0]
  const handler = typeof args[0] === 'function' ? args[0] : (args[1] ?? options.handler)
  const { signal, onError } = options
  return listen(
    {
      hostname: '127.0.0.1',
      port: 0,
      onListen: ({ port }) => console.log(`${nonce} ${port}`),
      ...(signal ? { signal } : {}),
      ...(onError ? { onError } : {}),
    },
    handler,
  )
}

const send = globalThis.fetch
globalThis.fetch = (input, init) => {
  const address = input instanceof Request ? input.url : String(input)
  if (!/^https:\/\/api\.resend\.com(\/|$)/.test(address)) return send(input, init)
  const double = resend + address.slice('https://api.resend.com'.length)
  return input instanceof Request ? send(new Request(double, input), init) : send(double, init)
}
