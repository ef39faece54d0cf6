import type { MaskKind } from '../../model/config.ts'
import { maskEmail, maskIp, maskPhone } from './addresses.ts'
import { maskLeaves } from './json-leaves.ts'
import { codeOf, type KeyedHash, pick, wordOf } from './keyed-hash.ts'
import { remembering } from './memory.ts'
import { replaceAddresses, replaceSecrets } from './mentions.ts'
import { isTold, kindOfKey } from './names.ts'
import { hexDigits, permute, permuteWithin } from './permute.ts'
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

/** Kinds whose values come again soon: the same address in several columns. */
const recurring = ['email', 'phone', 'contact', 'ip', 'name', 'address'] as const satisfies readonly MaskAs[]

/**
 * Pure but for its memory: the same value gets the same mask, in whatever table it stands. Two values get two masks: an
 * e-mail, a name, an address and a text carry 58 bits and more of the hash, the others are permuted.
 */
export function createMasks(keyed: KeyedHash, words: MaskWords, { keep = [], limits = {} }: MaskOptions = {}): Masks {
  const kept = new Set(keep.map((address) => address.toLowerCase()))
  const keeps = (address: string) => {
    const lower = address.trim().toLowerCase()
    return (kept.size > 0 && kept.has(lower)) || lower.endsWith('@resend.dev')
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
        return value.length > 32 ? hashedDigits(keyed, value) : permuteWithin(keyed, 'bytes', value, hexDigits)
      case 'subject':
        return uuid.test(value) ? value : permute(keyed, 'token', value)
      case 'password':
        return maskPassword(keyed, value)
      case 'json':
      case 'user-json':
        return (as === 'json' ? inJson : inUserJson)(value)
      case 'mentions':
        return replaceSecrets(
          keyed,
          replaceAddresses(value, (address) => mask('email', address)),
        )
    }
  }
  const leavesOf = (ofUser: boolean) => {
    const leaf = (value: string, key: string) => mask(kindOfKey(key, value, ofUser) ?? 'mentions', value)
    const told = (key: string) => isTold(key, ofUser)
    return (json: string) => maskLeaves(json, leaf, told)
  }
  const inJson = leavesOf(false)
  const inUserJson = leavesOf(true)
  const within = (limit: number | undefined, value: string, masked: string) =>
    limit === undefined || masked.length <= limit ? masked : permute(keyed, 'short', value)

  const memories = new Map<MaskAs, (value: string) => string>(
    recurring.map((as) => [as, remembering((value) => fresh(as, value))]),
  )
  const mask = (as: MaskAs, value: string): string => {
    if (value === '') return value
    const remembered = memories.get(as)
    return remembered === undefined ? fresh(as, value) : remembered(value)
  }
  return { mask, keeps }
}

/** As many hexadecimal digits, by the hash of them all. */
function hashedDigits(keyed: KeyedHash, value: string): string {
  let digits = ''
  let seed = value
  for (let block = 0; digits.length < value.length; block++) {
    const hash = Buffer.from(keyed.of(`bytes ${block}`, seed).buffer).toString('hex')
    if (block === 0) seed = hash
    digits += hash
  }
  return digits.slice(0, value.length)
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** One word for one word, so that a user name stays one; two names and a word for more. */
function maskName(keyed: KeyedHash, words: MaskWords, value: string): string {
  const hash = keyed.of('name', value)
  const word = wordOf(hash)
  const first = pick(words.firstNames, hash[5])
  if (/\s/.test(value)) return `${first} ${pick(words.lastNames, hash[6])} ${word[0]?.toUpperCase()}${word.slice(1)}`
  return value === value.toLowerCase() ? `${first.toLowerCase()}${word}` : `${first}${word}`
}

function maskStreet(keyed: KeyedHash, words: MaskWords, value: string): string {
  const hash = keyed.of('address', value)
  const word = wordOf(hash)
  const number = 1 + ((hash[6] ?? 0) % 999)
  return `${number} ${pick(words.streets, hash[5])} ${word[0]?.toUpperCase()}${word.slice(1)}`
}

/** Sentences about as long as the text was, and a word that is its own. */
function maskText(keyed: KeyedHash, { prose }: MaskWords, value: string): string {
  const hash = keyed.of('text', value)
  const code = codeOf(hash)
  let left = Array.from(value).length - code.length - 1
  let start = (hash[5] ?? 0) % prose.length
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
