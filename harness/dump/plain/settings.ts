/** Settings that pg_dump writes and that change nothing here: the restore has its own, see `load/session.ts`. */
const ours: ReadonlySet<string> = new Set([
  ...['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout'],
  ...['check_function_bodies', 'xmloption', 'client_min_messages', 'row_security', 'escape_string_warning'],
  ...['default_with_oids', 'default_transaction_read_only', 'restrict_nonsystem_relation_kind', 'default_tablespace'],
])

export type SettingEffect =
  | { readonly is: 'none' }
  | { readonly is: 'strings'; readonly standard: boolean }
  | { readonly is: 'access method'; readonly method: string }
  | { readonly is: 'session role'; readonly role: string }
  | { readonly is: 'search path'; readonly path: string }
  /** Foreign keys and triggers are off from here on. */
  | { readonly is: 'replica' }
  /** The last statement of what the platform's CLI writes. */
  | { readonly is: 'end' }
  | { readonly is: 'refuse'; readonly what: string }

/** Pure: what a SET or RESET of a script means. One that nobody here knows may change how the rest is to be read. */
export function settingEffect(name: string, value: string): SettingEffect {
  switch (name) {
    case 'standard_conforming_strings':
      return { is: 'strings', standard: /^(on|true)$/i.test(value) }
    case 'default_table_access_method':
      return { is: 'access method', method: value }
    case 'session authorization':
      return { is: 'session role', role: value }
    case 'search_path':
      return { is: 'search path', path: value }
    case 'session_replication_role':
      return value === 'replica' ? { is: 'replica' } : { is: 'none' }
    case 'client_encoding':
      if (/^utf-?8$/i.test(value)) return { is: 'none' }
      return { is: 'refuse', what: `text in the encoding ${value}; take the dump with pg_dump --encoding=UTF8` }
    case 'reset':
      return { is: 'end' }
    default:
      return ours.has(name) ? { is: 'none' } : { is: 'refuse', what: `SET ${name}, which no pg_dump writes` }
  }
}
