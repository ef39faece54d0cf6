import type { MaskKind } from '../../model/config.ts'
import { maskEmail, maskIp, maskPhone, pick } from './addresses.ts'
import { maskLeaves } from './json-leaves.ts'
import { codeOf, type KeyedHash, wordOf } from './keyed-hash.ts'
import { replaceAddresses, replaceSecrets } from './mentions.ts'
import { kindOfKey } from './names.ts'
import { permute, permuteWithin } from './permute.ts'
import type { MaskWords } from './words.ts'

/**
 * Besides the kinds of the config: `password` a hash that stays one in form, `subject` an id at another service (a UUID
 * is the user's own and stays), `contact` an address or a number, `user-json` JSON about a person, `mentions` a text that stays but for the addresses and
 * secrets in it, `bytes` hexadecimal digits.
 */
export type MaskAs = MaskKind | 'password' | 'subject' | 'contact' | 'user-json' | 'mentions' | 'bytes'

export type Masks = {
  /** The mask of a value that is not NULL; of an empty one, nothing. */
  mask(as: MaskAs, value: string): string
  /** Whether an address stays as it is, in every table. */
  keeps(address: string): boolean
}

export type MaskOptions = {
  /** Addresses that stay, in any letter case. So do Resend's test addresses, which are nobody's. */
  readonly keep?: readonly string[]
  /** Characters that masks of a kind may have, for every column of it: were it each column's own, joins would break. */
  readonly limits?: Readonly<Partial<Record<MaskAs, number>>>
}

/** Masks asked for again soon (the same address in several tables) are remembered: so many of each kind. */
const remembered = 20_000

/**
 * Pure but for its memory: the same value gets the same mask, in whatever table it stands. Two values get two masks: an
 * e-mail, a name, an address and a text carry 58 bits and more of the hash, the others are permuted.
 */
export function createMasks(keyed: KeyedHash, words: MaskWords, { keep = [], limits = {} }: MaskOptions = {}): Masks {
  const kept = new Set(keep.map((address) => address.toLowerCase()))
  const memories = new Map<string, Map<string, string>>()
  const keeps = (address: string) => {
    const lower = address.trim().toLowerCase()
    return kept.has(lower) || lower.endsWith('@resend.dev')
  }

  const fresh = (as: MaskAs, value: string): string => {
    switch (as) {
      case 'keep':
        return value
      case 'email':
        return keeps(value) ? value : maskEmail(keyed, words, value, limits.email ?? Number.POSITIVE_INFINITY)
      case 'contact':
        return value.includes('@') ? mask('email', value) : maskPhone(keyed, value)
      case 'phone':
        return maskPhone(keyed, value)
      case 'ip':
        return maskIp(keyed, value)
      case 'name':
        return within(limits.name, value, maskName(keyed, words, value))
      case 'address':
        return within(limits.address, value, maskStreet(keyed, words, value))
      case 'text':
        return within(limits.text, value, maskText(keyed, words, value))
      case 'token':
        return permute(keyed, 'token', value)
      case 'bytes':
        return value.length > 32 ? hashedDigits(keyed, value) : permuteWithin(keyed, 'bytes', value, '0123456789abcdef')
      case 'subject':
        return uuid.test(value) ? value : permute(keyed, 'token', value)
      case 'password':
        return maskPassword(keyed, value)
      case 'json':
      case 'user-json':
        return maskLeaves(value, (leaf) =>
          mask(kindOfKey(leaf.key, leaf.value, as === 'user-json') ?? 'mentions', leaf.value),
        )
      case 'mentions':
        return replaceSecrets(
          keyed,
          replaceAddresses(value, (address) => mask('email', address)),
        )
    }
  }
  const within = (limit: number | undefined, value: string, masked: string) =>
    limit === undefined || masked.length <= limit ? masked : permute(keyed, 'short', value)

  const mask = (as: MaskAs, value: string): string => {
    if (value === '') return value
    if (value.length > 320 || as === 'mentions' || as === 'json' || as === 'user-json') return fresh(as, value)
    const memory = memories.get(as) ?? new Map<string, string>()
    const known = memory.get(value)
    if (known !== undefined) return known
    const masked = fresh(as, value)
    if (memory.size >= remembered) memory.clear()
    memories.set(as, memory.set(value, masked))
    return masked
  }
  return { mask, keeps }
}

/** As many hexadecimal digits, by the hash of them all. */
function hashedDigits(keyed: KeyedHash, value: string): string {
  let digits = ''
  for (let block = 0; digits.length < value.length; block++) digits += keyed(`bytes ${block}`, value)
  return digits.slice(0, value.length)
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** One word for one word, so that a user name stays one; two names and a word for more. */
function maskName(keyed: KeyedHash, words: MaskWords, value: string): string {
  const digits = keyed('name', value)
  const word = wordOf(digits)
  const first = pick(words.firstNames, digits, 40)
  if (/\s/.test(value)) return `${first} ${pick(words.lastNames, digits, 44)} ${word[0]?.toUpperCase()}${word.slice(1)}`
  return value === value.toLowerCase() ? `${first.toLowerCase()}${word}` : `${first}${word}`
}

function maskStreet(keyed: KeyedHash, words: MaskWords, value: string): string {
  const digits = keyed('address', value)
  const word = wordOf(digits)
  const number = 1 + (Number.parseInt(digits.slice(48, 52), 16) % 999)
  return `${number} ${pick(words.streets, digits, 40)} ${word[0]?.toUpperCase()}${word.slice(1)}`
}

/** Sentences about as long as the text was, and a word that is its own. */
function maskText(keyed: KeyedHash, { prose }: MaskWords, value: string): string {
  const digits = keyed('text', value)
  const code = codeOf(digits)
  let left = Array.from(value).length - code.length - 1
  let start = Number.parseInt(digits.slice(40, 46), 16) % prose.length
  let text = ''
  while (left > 0) {
    const piece = prose.slice(start, start + left)
    text += piece
    left -= piece.length
    start = 0
  }
  return text === '' ? code : `${text} ${code}`
}

/** Parameters stay, so that Auth reads the hash as before; nobody knows a password for it. */
function maskPassword(keyed: KeyedHash, value: string): string {
  const bcrypt = /^[$]2[abxy]?[$]\d\d[$]/.exec(value)
  if (bcrypt) return permute(keyed, 'password', value, bcrypt[0].length)
  const [, parameters, rest] = /^([$][a-z0-9]+[$]v=[^$]*[$](?:m=[^$]*[$])?)(.*)$/s.exec(value) ?? []
  if (parameters === undefined || rest === undefined) return permute(keyed, 'password', value)
  const secrets = parameters.replace(/\b(ss|sk)=([^,$]*)/g, (_, name: string, secret: string) =>
    [name, permute(keyed, 'password', secret)].join('='),
  )
  return secrets + permute(keyed, 'password', rest)
}
