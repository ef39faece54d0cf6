// Stands for https://deno.land/std/http/server.ts, which functions written before 2024 import.
export function serve(handler, options = {}) {
  return Deno.serve({ signal: options.signal, onError: options.onError }, handler).finished
}
