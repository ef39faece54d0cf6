import { describe, expect, test } from 'vitest'
import { redact, redactText } from './redact.ts'

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U'
const bcrypt = `$2a$10$${'Zx9'.repeat(17)}ab`

describe('the redaction', () => {
  test.each([
    ['an address', 'jane.doe+x@mail.example.co.uk'],
    ['an address in another script', 'jörg@müller.de'],
    ['a JSON Web Token', jwt],
    ['a bcrypt hash', bcrypt],
    ['a key of Resend', 're_c1tpEyD8_NKFusih9vKVQknRAQfmFcWCv'],
    ['a secret key of Supabase', 'sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz'],
    ['an access token of Supabase', 'sbp_0102030405060708090a0b0c0d0e0f1011121314'],
  ])('takes out %s', (_, secret) => {
    expect(redactText(`before ${secret} after`)).toBe('before [redacted] after')
  })

  test('takes out bearer tokens and passwords of connection strings, and leaves the rest', () => {
    expect(redactText('Authorization: Bearer abc.def-123456')).toBe('Authorization: Bearer [redacted]')
    expect(redactText('postgres://postgres:hunter2secret@127.0.0.1:5432/after')).toBe(
      'postgres://postgres:[redacted]@127.0.0.1:5432/after',
    )
  })

  test.each([
    'public.re_order_items',
    '-- greenlight: expects data.values-changed public.profiles(timezone) because …',
    'id 00000000-0000-4000-8000-000000000001',
    '9f2c4a7be0135d6f8a1b2c3d4e5f60718293a4b5c6d7e8f90123456789abcdef',
    'node_modules/@supabase/lite/index.js:3:14',
    'The bearer of the role is authenticated',
    '31,204 rows of 41 tables are the same (38% fewer blocks) @ 2026-11-22',
  ])('leaves "%s" as it is', (text) => {
    expect(redactText(text)).toBe(text)
  })

  test('reaches every text, keys included, and drops what is undefined', () => {
    expect(redact({ a: ['x@y.org', 1, true, null], 'k@y.org': { b: undefined } })).toEqual({
      a: ['[redacted]', 1, true, null],
      '[redacted]': {},
    })
  })
})
