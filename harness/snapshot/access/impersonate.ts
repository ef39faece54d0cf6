import { quoteIdentifier, quoteLiteral } from '../../database/identifiers.ts'
import type { Identity } from '../identities.ts'

/**
 * What PostgREST sends in front of a request, for the transaction that is open: role, claims, search path.
 * The role comes last, since the others would not be ours to set after it.
 */
export function impersonate({ role, claims }: Identity): string {
  const settings = {
    search_path: '"public", "extensions"',
    'request.method': 'GET',
    'request.headers': '{}',
    'request.jwt.claims': JSON.stringify(claims),
    role,
  }
  const calls = Object.entries(settings).map(([name, value]) => `set_config('${name}', ${quoteLiteral(value)}, true)`)
  return `select ${calls.join(', ')}`
}

/** SQL to paste into psql that shows what `identity` sees. Claims are read from auth.users, so that none is printed. */
export function reproduce({ role, userId }: Identity, statement: string): string {
  const claims =
    userId === undefined
      ? `'{"role":"${role}"}'`
      : `(select jsonb_build_object('sub', id, 'role', role, 'email', email, 'app_metadata', raw_app_meta_data) from auth.users where id::text = ${quoteLiteral(userId)})::text`
  return `begin; select set_config('request.jwt.claims', ${claims}, true); set local role ${quoteIdentifier(role)}; ${statement}; rollback;`
}
