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
      ? quoteLiteral(JSON.stringify({ role }))
      : `(select jsonb_build_object('sub', u.id, 'role', ${quoteLiteral(role)}, 'aud', 'authenticated', 'aal', 'aal1', 'email', to_jsonb(u) -> 'email', 'phone', to_jsonb(u) -> 'phone', 'app_metadata', to_jsonb(u) -> 'raw_app_meta_data', 'user_metadata', to_jsonb(u) -> 'raw_user_meta_data')::text from auth.users u where u.id = ${quoteLiteral(userId)})`
  return `begin; select set_config('request.jwt.claims', ${claims}, true) is not null as signed_in; set local role ${quoteIdentifier(role)}; ${statement}; rollback;`
}
