import { test } from 'vitest'
import { CopyMasker, type FieldMask } from './copy-masker.ts'
import { fieldMask } from './field-mask.ts'
import { KeyedHash } from './keyed-hash.ts'
import { createMasks, type MaskAs } from './masks.ts'
import { maskWords } from './words.ts'

/** Megabytes of COPY text a second and core, by what there is to mask; each in the best of five passes over 16 MB. */
test('masking COPY text', async () => {
  const masks = createMasks(new KeyedHash('a key'), await maskWords())
  const field = (as: MaskAs, base = 'text'): FieldMask =>
    fieldMask(masks, { as, column: { name: 'c', base, isArray: false, isGenerated: false } })
  const messages = (n: number) =>
    `${n}\t${n % 7}\tsome words of a message that goes on and on, number ${n}\t2026-01-01 00:00:00+00\tt\n`
  const people = (n: number) =>
    `${n}\tuser${n}@example.org\tAda Lovelace ${n}\t{"theme": 1, "token": "a3f9c1d2e4b5a6978812${n}"}\t2026-01-01 00:00:00+00\n`
  const cases = {
    'nothing to mask': [messages, []],
    'texts, looked through for addresses': [messages, [undefined, undefined, field('mentions')]],
    'an e-mail in every row': [people, [undefined, field('email')]],
    'an e-mail, a name and JSON in every row': [
      people,
      [undefined, field('email'), field('name'), field('json', 'jsonb')],
    ],
  } as const
  for (const [name, [row, fields]] of Object.entries(cases)) {
    let text = ''
    for (let n = 0; text.length < 16e6; n++) text += row(n)
    const bytes = Buffer.from(text)
    let best = 0
    for (let pass = 0; pass < 5; pass++) {
      const masker = new CopyMasker(fields)
      const started = performance.now()
      for (let at = 0; at < bytes.length; at += 262_144) masker.push(bytes.subarray(at, at + 262_144))
      best = Math.max(best, bytes.length / 1000 / (performance.now() - started))
    }
    console.log(`${name.padEnd(42)} ${best.toFixed(0)} MB/s`)
  }
}, 300_000)
