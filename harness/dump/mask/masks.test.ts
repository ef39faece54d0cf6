import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maskLeaves } from './json-leaves.ts'
import { KeyedHash } from './keyed-hash.ts'
import { createMasks, type MaskAs } from './masks.ts'
import { kindOfKey } from './names.ts'
import { maskWords } from './words.ts'

const words = await maskWords()
const masks = createMasks(new KeyedHash('a key of the tests'), words, { keep: ['Owner@team.example'] })
const { mask } = masks

describe('masks', () => {
  test('are the same for the same value and key, in any order, and others under another key', () => {
    const again = createMasks(new KeyedHash('a key of the tests'), words)
    const other = createMasks(new KeyedHash('another key'), words)
    const kinds = ['email', 'phone', 'name', 'address', 'ip', 'token', 'text'] as const
    const values = [
      'ada@lovelace.org',
      '+49 151 1234567',
      'Ada Lovelace',
      '12 Main St',
      '203.0.113.9',
      'a3f9c1d2e4',
      'x y',
    ]
    for (const [at, kind] of kinds.entries()) mask(kind, values.at(-1 - at) ?? '')
    for (const kind of kinds) {
      for (const value of values) {
        expect(again.mask(kind, value)).toBe(mask(kind, value))
        expect(other.mask(kind, value), `${kind} ${value}`).not.toBe(mask(kind, value))
        expect(mask(kind, value)).not.toBe(value)
      }
    }
  })

  test('of different values are different', () => {
    const kinds: readonly MaskAs[] = ['email', 'phone', 'name', 'address', 'ip', 'token', 'text', 'contact']
    for (const kind of kinds) {
      const unit = fc.constantFrom(...(kind === 'phone' ? '0123456789+-() ' : 'abcXYZ019@.- '))
      const value = fc.string({ unit, minLength: 1, maxLength: 30 })
      fc.assert(
        fc.property(value, value, (one, two) => {
          expect(mask(kind, one) === mask(kind, two)).toBe(one === two)
        }),
        { numRuns: 500 },
      )
    }
    for (const kind of ['email', 'name', 'address', 'text'] as const) {
      const many = Array.from({ length: 20_000 }, (_, n) => mask(kind, `user ${n}@example.org`))
      expect(new Set(many).size).toBe(many.length)
    }
    const numbers = Array.from({ length: 20_000 }, (_, n) => mask('phone', `+1212${String(n).padStart(7, '0')}`))
    expect(new Set(numbers).size).toBe(numbers.length)
    const addresses = Array.from({ length: 20_000 }, (_, n) => mask('ip', `10.0.${n >> 8}.${n & 255}`))
    expect(new Set(addresses).size).toBe(addresses.length)
  })

  test('of addresses are at example.com, and agree where citext does', () => {
    const address = mask('email', 'ada@lovelace.org')
    expect(address).toMatch(/^[a-z]+\.[a-z]+\.[a-z0-9]{16}@example\.com$/)
    const capitals = mask('email', 'Ada@Lovelace.org')
    expect(capitals).not.toBe(address)
    expect(capitals.toLowerCase()).toBe(address)
    expect(mask('email', 'ADA@lovelace.org')).not.toBe(capitals)
    expect(mask('email', ' ada@lovelace.org ')).toBe(` ${address} `)
    expect(mask('email', 'no address')).not.toContain('@')
    const short = createMasks(new KeyedHash('a key of the tests'), words, { limits: { email: 24 } })
    expect(short.mask('email', 'ada@lovelace.org')).toMatch(/^[a-z0-9]{12}@example\.com$/)
  })

  test('keep the addresses that are to stay, and test addresses of Resend', () => {
    expect(mask('email', 'owner@TEAM.example')).toBe('owner@TEAM.example')
    expect(mask('email', 'delivered+1@resend.dev')).toBe('delivered+1@resend.dev')
    expect(mask('mentions', 'ask owner@team.example or ada@lovelace.org')).toBe(
      `ask owner@team.example or ${mask('email', 'ada@lovelace.org')}`,
    )
  })

  test('of numbers agree however they are written', () => {
    const plain = mask('phone', '4915112345678')
    expect(plain).toMatch(/^4\d{12}$/)
    expect(mask('phone', '+4915112345678')).toBe(`+${plain}`)
    expect(mask('phone', '+49 (151) 1234-5678')).toMatch(/^\+4\d \(\d{3}\) \d{4}-\d{4}$/)
    expect(mask('phone', '+49 (151) 1234-5678').replace(/\D/g, '')).toBe(plain)
  })

  test('of IP addresses are IP addresses; lists, ports and network masks stay', () => {
    expect(mask('ip', '203.0.113.9')).toMatch(/^\d+\.\d+\.\d+\.\d+$/)
    expect(mask('ip', '203.0.113.9/24')).toBe(`${mask('ip', '203.0.113.9')}/24`)
    expect(mask('ip', '203.0.113.9:443, 198.51.100.7')).toBe(
      `${mask('ip', '203.0.113.9')}:443, ${mask('ip', '198.51.100.7')}`,
    )
    expect(mask('ip', 'fe80::1')).toMatch(/^2001:db8(:[0-9a-f]{1,4}){6}$/)
  })

  test('hold to a length, and stay different', () => {
    const short = createMasks(new KeyedHash('k'), words, { limits: { name: 15, address: 15, text: 15 } })
    for (const [kind, value] of [
      ['name', 'Ada Lovelace'],
      ['address', '12 Main Street'],
      ['text', 'nothing much'],
    ] as const) {
      expect(short.mask(kind, value).length).toBeLessThanOrEqual(15)
      expect(short.mask(kind, value)).not.toBe(value)
    }
    expect(mask('text', 'a longer text '.repeat(20)).length).toBe(280)
  })

  test('of a password hash are hashes of the same form', () => {
    const bcrypt = '$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'
    expect(mask('password', bcrypt)).toMatch(/^\$2a\$10\$[./A-Za-z0-9]{53}$/)
    expect(mask('password', bcrypt)).not.toBe(bcrypt)
    const argon = '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRoZXJl$RdescudvJCsgt3ub+b0dWRWJTmaaJObG'
    expect(mask('password', argon)).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=4\$[A-Za-z0-9]{16}\$[A-Za-z0-9+]{32}$/)
    const scrypt =
      '$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=ou9tdYTGyYm8kuR6Dt0Bp0kDuAYoXrK16mbZO4yGwAn$C0sHCg9ek77hsg==$ZGlmZmVyZW50'
    expect(mask('password', scrypt)).toMatch(
      /^\$fbscrypt\$v=1,n=14,r=8,p=1,ss=[A-Za-z]{2}==,sk=\w{43}\$\w{14}==\$\w{12}$/,
    )
    expect(mask('password', scrypt)).not.toMatch(/ou9td|C0sHC|ZGlmZ/)
  })

  test('in JSON change strings of persons and nothing else', () => {
    const json =
      '{"email": "Ada@x.org", "n": 12345678901234567890.10, "tags": ["a@b.org", "plain"], "phone":"+4915112345678", "provider":"email", "na\\u006de": "Ada L", "sub": "107"}'
    const wanted = json
      .replace('Ada@x.org', mask('email', 'Ada@x.org'))
      .replace('a@b.org', mask('email', 'a@b.org'))
      .replace('+4915112345678', mask('phone', '+4915112345678'))
    expect(mask('json', json)).toBe(wanted)
    expect(mask('user-json', json)).toBe(
      wanted.replace('Ada L', mask('name', 'Ada L')).replace('"107"', `"${mask('subject', '107')}"`),
    )
    const strings = fc.constantFrom(
      'a@b.org',
      '+4915112345678',
      '$2a$',
      'plain',
      '1.2.3.4',
      'sb_secret_abcdefgh',
      'eyJ',
      '"@',
    )
    const keys = fc.constantFrom('email', 'name', 'sub', 'api_token', 'title', 'a"b')
    const nested = fc.letrec((tie) => ({
      value: fc.oneof(
        strings,
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(keys, tie('value'), { maxKeys: 4 }),
      ),
    })).value
    fc.assert(
      fc.property(nested, fc.boolean(), (value, ofUser) => {
        const text = JSON.stringify(value)
        const each = maskLeaves(text, (leaf, key) => mask(kindOfKey(key, leaf, ofUser) ?? 'mentions', leaf))
        expect(mask(ofUser ? 'user-json' : 'json', text), 'a leaf that was passed over would have changed').toBe(each)
      }),
    )
    fc.assert(
      fc.property(fc.json(), (any) => {
        expect(shapeOf(JSON.parse(mask('user-json', any)))).toEqual(shapeOf(JSON.parse(any)))
      }),
    )
  })

  test('within a text replace addresses and keys, and take no longer for a long one', () => {
    const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.abcdefghijABCDEFGHIJ0123456789_-abcdefghijk'
    const masked = mask('mentions', `Write to 'ada@x.org'. Bearer ${jwt}`)
    expect(
      masked.startsWith(
        `Write to '${mask('email', 'ada@x.org')}'. Bearer eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.`,
      ),
    ).toBe(true)
    expect(masked).not.toContain('abcdefghijABCDEFGHIJ')
    for (const same of ['a @ b', '@ada', 'user@localhost', 'x@@y', 'eyJ.eyJ.', 'git@{sha}'])
      expect(mask('mentions', same)).toBe(same)
    const long = `${'a'.repeat(2_000_000)}@${'b.'.repeat(1_000_000)}@@@`
    const started = performance.now()
    mask('mentions', long)
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})

function shapeOf(value: unknown): unknown {
  if (typeof value === 'string') return ''
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shapeOf(member)]))
}
