import type { Catalog } from './catalog.ts'
import {
  children,
  column,
  constants,
  type Fields,
  fieldsOf,
  literal,
  type Node,
  Refusal,
  withoutCasts,
} from './tree.ts'

/** The alias of the users, of whom each row holds the claims as text; and that of the rows of the table asked about. */
export const userAlias = 'u'
export const rowAlias = 't'
export const claims = column(userAlias, 'claims')

const clocks = new Set(['now', 'transaction_timestamp', 'statement_timestamp'])
/** These answer for the session's own role, which here is not the user's. */
const ofTheSession =
  /^(has_|pg_|row_security_active|current_user|session_user|user$|inet_|txid_|current_schema|current_query|version)/

/** What a call of a function of pg_catalog becomes. Throws `Refusal` for those that depend on the session or on chance. */
export function builtinCall(catalog: Catalog, name: string, call: Fields, now: Node): Node {
  if (name === 'current_setting') return setting(children(call, 'args'))
  if (clocks.has(name)) return now
  const facts = catalog.builtin.get(name)
  if (facts === undefined) throw new Refusal(`it calls ${name}, which is not known`)
  if (facts.volatile) throw new Refusal(`it calls ${name}, which may answer otherwise each time`)
  if (ofTheSession.test(name)) throw new Refusal(`it calls ${name}, which answers for the session`)
  return { FuncCall: call }
}

/** Of `set_config`, PostgREST's settings: the claims are the user's, those of single claims are never set. */
function setting([name, missingIsNull]: readonly Node[]): Node {
  const key = name && fieldsOf(withoutCasts(name), 'A_Const')?.sval
  const text = key && (key as Fields).sval
  if (text === 'request.jwt.claims') return claims
  if (text === 'request.headers') return { TypeCast: { arg: literal('{}'), typeName: textType } }
  if (text === 'request.method') return { TypeCast: { arg: literal('GET'), typeName: textType } }
  if (typeof text === 'string' && /^request\.(jwt\.claim|cookie|path)/.test(text) && missingIsNull !== undefined) {
    return { TypeCast: { arg: constants.null, typeName: textType } }
  }
  throw new Refusal('it reads a setting that the API does not make')
}

export const textType: Fields = { names: [{ String: { sval: 'text' } }], typemod: -1 }

/** `current_user` and the clock as constants. Throws `Refusal`. */
export function sqlValue(fields: Fields, role: string, now: Node): Node {
  switch (fields.op) {
    case 'SVFOP_CURRENT_USER':
    case 'SVFOP_CURRENT_ROLE':
    case 'SVFOP_USER':
      return { TypeCast: { arg: literal(role), typeName: { names: [{ String: { sval: 'name' } }], typemod: -1 } } }
    case 'SVFOP_CURRENT_TIMESTAMP':
      return now
    case 'SVFOP_CURRENT_DATE':
      return { TypeCast: { arg: now, typeName: { names: [{ String: { sval: 'date' } }], typemod: -1 } } }
    default:
      throw new Refusal('it reads a value of the session')
  }
}
