import { expect, test } from 'vitest'
import { checkConfig } from './config/load.ts'
import { maskSetup } from './mask-setup.ts'

const noMail = { liveMail: false }

test('nothing is masked unless the config says so', () => {
  expect(maskSetup({}, {}, noMail)).toBeUndefined()
  expect(maskSetup({ mask: {} }, {}, noMail)).toEqual({ config: {}, keep: [] })
})

test('the key comes from the environment, and the addresses of canaries stay', () => {
  const config = { mask: { keyEnv: 'KEY' }, canaries: [{ email: 'me@team.dev', passwordEnv: 'P' }] }
  expect(maskSetup(config, { KEY: '0123456789abcdef' }, noMail)).toEqual({
    config: { keyEnv: 'KEY' },
    key: '0123456789abcdef',
    keep: ['me@team.dev'],
  })
})

test('a short key, a mail service that refuses masks and mail to real people are refused together', () => {
  const config = {
    mask: { keyEnv: 'KEY' },
    mail: { account: { refuseExampleRecipients: true }, live: { allow: ['me@team.dev'] } },
  }
  expect(() => maskSetup(config, { KEY: 'short' }, { liveMail: true })).toThrow(
    /KEY holds a short key[\s\S]*refuseExampleRecipients[\s\S]*mail\.live\.allow/,
  )
  expect(() => maskSetup(config, {}, noMail)).toThrow(/KEY holds nothing/)
})

test('the config refuses kinds and keys that it does not know, all of them at once', () => {
  const mask = { tables: { 'public.people': { phone: 'fone' }, people: {} }, find: ['text'], names: { 'a-b': 'email' } }
  expect(() => checkConfig({ mask }, 'greenlight.config.ts')).toThrow(/3 things are wrong|4 things are wrong/)
  expect(() => checkConfig({ mask: { table: {} } }, 'greenlight.config.ts')).toThrow(
    /mask\.table: unknown key; did you mean "tables"\?/,
  )
  const good = {
    tables: { 'public.people': { phone: 'phone', bio: 'keep' } },
    names: { '*_mail': 'email' },
    find: ['ip'],
  }
  expect(checkConfig({ mask: good }, 'greenlight.config.ts')).toEqual({ mask: good })
})
