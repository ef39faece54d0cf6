/** What a command of psql asks for. `key`: of restricted mode. `refuse`: anything that is not understood, and so not done. */
export type Meta =
  | { readonly is: 'restrict' | 'unrestrict'; readonly key: string }
  | { readonly is: 'connect'; readonly database: string }
  | { readonly is: 'refuse'; readonly what: string }

const restrict = /^\\(restrict|unrestrict) ([A-Za-z0-9]+)$/
const connect = /^\\connect (?:([A-Za-z0-9_]+)|"((?:[^"=:/\\`]|"")+)")$/
/** As pg_dumpall writes names that are more than letters, digits and `_`. */
const connectBySettings = /^\\connect -reuse-previous=on "dbname='((?:[^'"\\`]|\\\\|\\'|"")+)'"$/

/** Pure: a line of psql's own, which is understood or refused, never run. */
export function readMeta(line: string): Meta {
  const [, verb, key] = restrict.exec(line) ?? []
  if (verb && key) return { is: verb === 'restrict' ? 'restrict' : 'unrestrict', key }
  const [, plain, quoted] = connect.exec(line) ?? []
  const database = plain ?? quoted?.replaceAll('""', '"')
  if (database !== undefined) return { is: 'connect', database }
  const [, setting] = connectBySettings.exec(line) ?? []
  if (setting !== undefined) {
    return { is: 'connect', database: setting.replaceAll('""', '"').replaceAll(/\\(.)/g, '$1') }
  }
  // No more than the command's name: what follows may be a password.
  const name = /^\\(?:[A-Za-z_]+|.)?/.exec(line)?.[0] ?? '\\'
  const known = /^\\(restrict|unrestrict|connect)$/.test(name)
  return { is: 'refuse', what: `the psql command ${name}${known ? ' in a form that pg_dump does not write' : ''}` }
}
