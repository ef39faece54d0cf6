import { describe, expect, test } from 'vitest'
import type { Mail } from '../model/stack.ts'
import { hostsIn } from './bad-links.ts'
import { problemsOf, unescapedIn } from './content.ts'
import { isExcused } from './excuse.ts'
import { testMail as mail } from './test-mail.ts'

const sites = { own: ['planner.app'], project: '127.0.0.1:5000' }

const told = (changes: Partial<Mail>) => problemsOf(mail(changes), sites).map(({ kind, detail }) => `${kind} ${detail}`)

describe('a placeholder that was not filled', () => {
  test.each([
    ['Hello {{ first_name }},', '{{…}}'],
    ['Hello {{first_name', '{{…}}'],
    ['Hello $' + '{user.name},', '$' + '{…}'],
    ['Hello undefined,', 'undefined'],
    ['Starts on Invalid Date.', 'Invalid Date'],
    ['Guests: NaN', 'NaN'],
    ['null invited you', 'null'],
    ['For [object Object]', '[object Object]'],
  ])('is seen in "%s", in text, subject, sender and HTML', (text, detail) => {
    const expected = `placeholder ${detail}`
    expect(told({ text })).toEqual([expected])
    expect(told({ subject: text })).toEqual([expected])
    expect(told({ html: `<p>${text}</p>` })).toEqual([expected])
    expect(told({ from: `${text.replace(/,/g, '')} <a@planner.app>` })).toEqual([expected])
  })

  test.each([
    'Null invited you',
    'Hello NULL',
    'nullify, undefinedness and nan',
    'Mail null@example.com or see example.com/undefined/x.html',
    'File null.txt',
    'A set { a, b } and 5 $ {',
    'Invalid date format',
    'An [object] of interest',
  ])('is not seen in "%s"', (text) => {
    expect(told({ text })).toEqual([])
  })

  test('is not looked for where nobody reads: in styles, scripts, comments and tags', () => {
    const html = '<style>a{{b}}</style><!-- undefined --><script>null</script><p data-x="NaN">Hello.</p>'
    expect(told({ html })).toEqual([])
  })

  test('in German, null is a number', () => {
    expect(told({ html: '<html lang="de"><p>Bei null Gästen: undefined</p></html>' })).toEqual([
      'placeholder undefined',
    ])
  })
})

describe('a text of the data that looks like a placeholder', () => {
  const excused = (text: string, values: readonly string[]) =>
    problemsOf(mail({ text }), sites).every((problem) => isExcused(problem, values))

  test.each([
    ['whole', 'The event "undefined behaviour club" was updated.', ['undefined behaviour club']],
    ['in the middle', 'Ada wrote: is it null or undefined here? Reply.', ['is it null or undefined here?']],
    [
      'longer than the mail shows',
      'Event: what to do when null pointers are found by e…',
      ['what to do when null pointers are found by everyone in the club'],
    ],
    ['with placeholders of its own', 'Event: How {{mustache}} works', ['How {{mustache}} works']],
    ['the very name of a user', 'Hello null, there are news.', ['null']],
  ])('is no problem: %s', (_, text, values) => {
    expect(excused(text, values)).toBe(true)
  })

  test.each([
    ['said of another', 'Hello undefined, there are news.', ['undefined behaviour club']],
    ['another placeholder', 'Hello {{name}}', ['How {{mustache}} works']],
    ['with only one side alike', 'The event undefined was moved.', ['an event undefined by its owner']],
  ])('does not excuse a placeholder: %s', (_, text, values) => {
    expect(excused(text, values)).toBe(false)
  })
})

describe('a link', () => {
  test.each([
    ['', 'broken-link without a target'],
    ['#', 'broken-link without a target'],
    ['/events/7', 'broken-link without a host'],
    ['events/7', 'broken-link without a host'],
    ['https://events', 'broken-link without a host'],
    ['https://', 'broken-link that cannot be read'],
    ['javascript:open()', 'broken-link that run a script'],
    ['http://localhost:3000/events/7', 'broken-link to this machine or a private network'],
    ['http://192.168.1.4/events', 'broken-link to this machine or a private network'],
    ['https://planner.app/events/undefined', 'broken-link with an unfilled placeholder'],
    ['https://planner.app/?event=null', 'broken-link with an unfilled placeholder'],
    ['https://planner.app/%7B%7Bpath%7D%7D', 'broken-link with an unfilled placeholder'],
    ['undefined/events/7', 'broken-link with an unfilled placeholder'],
    ['https://planner.app.evil.example/', 'foreign-link planner.app.evil.example'],
    ['https://notplanner.app/', 'foreign-link notplanner.app'],
  ])('to "%s" is %s', (href, expected) => {
    expect(told({ html: `<p>Hello. <a href="${href}">open</a></p>` })).toEqual([expected])
  })

  test.each([
    'https://planner.app/events/7?a=1&amp;b=undefinedness',
    'https://www.planner.app/nullable',
    'https://app.planner.app/',
    'http://127.0.0.1:5000/auth/v1/verify?token=x',
    'mailto:help@planner.app',
    'tel:+49123',
    '#top',
  ])('to "%s" is fine', (href) => {
    expect(told({ html: `<a href="${href}">open</a>` })).toEqual([])
  })

  test('in plain text counts, an image from elsewhere does not', () => {
    expect(told({ text: 'See http://localhost:3000/x.' })).toEqual(['broken-link to this machine or a private network'])
    expect(told({ html: '<p>Hi</p><img src="https://cdn.example.net/logo.png">' })).toEqual([])
  })

  test('that a person wrote may point anywhere', () => {
    const [problem] = problemsOf(mail({ text: 'Ada wrote: see https://videos.example.net/v/1' }), sites)
    expect(problem && isExcused(problem, ['see https://videos.example.net/v/1'])).toBe(true)
    expect(problem && isExcused(problem, ['see https://videos.example.net/v/2'])).toBe(false)
  })

  test('is foreign only where the sites of the app are known: the addresses in the environment of the functions', () => {
    expect(
      hostsIn({ SITE_URL: 'https://planner.app/x', MAIL_FROM: 'a@b.c', API: 'http://api.planner.app:81' }),
    ).toEqual(['api.planner.app:81', 'planner.app'])
    expect(problemsOf(mail({ text: 'https://elsewhere.example' }), { ...sites, own: [] })).toEqual([])
  })
})

describe('the form of a mail', () => {
  test('a text part is wanted beside HTML', () => {
    const { text: _, ...bare } = mail({ html: '<p>Hi</p>' })
    expect(problemsOf(bare, sites)).toMatchObject([{ kind: 'no-text', detail: 'left to Resend' }])
    expect(told({ html: '<p>Hi</p>', text: ' ' })).toEqual(['no-text switched off'])
    expect(told({ html: '<p>Hi</p>', text: 'Hi' })).toEqual([])
  })

  test('a line break in a header is seen, one in the text is not', () => {
    expect(told({ subject: 'News\r\nBcc: eve@example.com' })).toEqual(['header-injection subject'])
    expect(told({ headers: { 'X-Ref': 'a\nb' } })).toEqual(['header-injection headers'])
    expect(told({ text: 'a\r\nBcc: eve@example.com' })).toEqual([])
  })

  test('a name with a tag must not stand in HTML as it is', () => {
    const names = ['Bobby <b>Tables</b>', 'I <3 you']
    expect(unescapedIn('<p>Hello Bobby <b>Tables</b></p>', names)).toBe(true)
    expect(unescapedIn('<p>Hello Bobby &lt;b&gt;Tables&lt;/b&gt;, I <3 you</p>', names)).toBe(false)
  })
})
