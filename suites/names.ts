import type { SupabaseClient } from '@supabase/supabase-js'

/** `schema.table` or `column`, as SQL: each part quoted. */
export function quoted(name: string): string {
  return name
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.')
}

/** A column in a request to the Data API, quoted where its name has more than letters, digits and `_`. */
export function column(name: string): string {
  return /^\w+$/.test(name) ? name : `"${name.replace(/["\\]/g, '\\$&')}"`
}

/** The table `schema.table` in the Data API. */
export function from(client: SupabaseClient, name: string): ReturnType<ReturnType<SupabaseClient['schema']>['from']> {
  const [schema = 'public', table = name] = name.split('.')
  return client.schema(schema).from(table)
}
