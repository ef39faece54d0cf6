import type { Tie } from './ties.ts'

/** One way in which a user relates to the data, in words. */
export type Trait = {
  /** `viewer of an event` */
  readonly one: string
  /** `viewers of an event` */
  readonly many: string
}

/**
 * The words of a trait's code: a tie with its role (`public.members(user_id)=viewer`), `no:` and a tie of profiles,
 * `+` or `-` and a code for what the migrations make or end, `provider:`, `state:`, `claim:`, `stranger`.
 */
export function traitWords(code: string, ties: ReadonlyMap<string, Tie>): Trait {
  if (code === 'stranger') return { one: 'stranger', many: 'strangers' }
  if (code.startsWith('+') || code.startsWith('-')) {
    const { one } = traitWords(code.slice(1), ties)
    const text = code.startsWith('+') ? `made ${one} by the migrations` : `no longer ${one} after the migrations`
    return { one: text, many: `users ${text}` }
  }
  const [group = '', rest = ''] = split(code, ':')
  if (group === 'provider' || group === 'state') return { one: rest, many: `${rest} users` }
  if (group === 'claim') return { one: `with ${rest}`, many: `users with ${rest}` }
  if (group === 'no') {
    const text = `without a row in ${rest.replace(/\(.*$/, '')}`
    return { one: text, many: `users ${text}` }
  }
  const [name = '', role] = split(code, '=')
  const tie = ties.get(name)
  const thing = tie?.of === undefined ? `in ${name}` : `of ${aThing(tie.of)}`
  if (tie?.holds === 'address') {
    const text = role === undefined ? `invited in ${name}` : `invited as ${role} ${thing}`
    return { one: text, many: `users ${text}` }
  }
  if (role !== undefined) return { one: `${role} ${thing}`, many: `${plural(role)} ${thing}` }
  if (tie?.isOwner) return { one: `owner ${thing} (${tie.column})`, many: `owners ${thing} (${tie.column})` }
  return { one: `in ${name}`, many: `users in ${name}` }
}

function split(text: string, separator: string): [string, string] | [string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

function plural(noun: string): string {
  return /[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`
}

/** `an event` for `public.events`. */
function aThing(table: string): string {
  const name = table.slice(table.indexOf('.') + 1).replaceAll('_', ' ')
  const one = name.endsWith('ies') ? `${name.slice(0, -3)}y` : name.replace(/([^s])s$/, '$1')
  return `${/^[aeiou]/i.test(one) ? 'an' : 'a'} ${one}`
}
