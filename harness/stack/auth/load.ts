import type { App } from '@supabase/lite'
import type { createPostgresConnection } from '@supabase/lite/postgres'

type Server = { readonly App: typeof App; readonly createPostgresConnection: typeof createPostgresConnection }

let loading: Promise<Server> | undefined

/**
 * Loads the Auth server, once. It puts a `process.emitWarning` in place that takes texts alone, and throws for a warning
 * that is an error: whatever part of the harness earned one (an eleventh listener) would fail in place of being warned
 * of, and a request that it was about would be answered with 502. Node's own is put back.
 */
export function loadServer(): Promise<Server> {
  loading ??= load()
  return loading
}

async function load(): Promise<Server> {
  // Read when the module is loaded: nothing is reported to anyone.
  process.env.DO_NOT_TRACK = '1'
  const { emitWarning } = process
  try {
    const [{ App }, { createPostgresConnection }] = await Promise.all([
      import('@supabase/lite'),
      import('@supabase/lite/postgres'),
    ])
    return { App, createPostgresConnection }
  } finally {
    process.emitWarning = emitWarning
  }
}
