import type { ProblemKind } from './problem.ts'

/** What to say of a problem, after "3 mails of the function x have", and what to do. */
export function wordsOf(kind: ProblemKind, detail: string): { readonly said: string; readonly fix: string } {
  const [said, fix] = words(detail)[kind]
  return { said, fix }
}

/** The same for a secret that stands in a mail. */
export function secretWords(secret: string): string {
  return `${secret} in it`
}

function words(detail: string): Readonly<Record<ProblemKind, readonly [said: string, fix: string]>> {
  return {
    placeholder: [
      `an unfilled placeholder: ${detail}`,
      'Give the template a value for it, or leave the sentence out without one.',
    ],
    'broken-link': [
      `a link ${detail}`,
      detail.startsWith('to this machine')
        ? 'Set the address of the app in functionsEnv of the config (SITE_URL), as it is set in production.'
        : 'Build links with new URL(path, siteUrl), from values that are there.',
    ],
    'foreign-link': [
      `a link to ${detail}, which is not the app's own site`,
      `If ${detail} is yours, add its address to functionsEnv in the config.`,
    ],
    unescaped: ['a text of a person in it as HTML', 'Escape names and titles before they go into HTML.'],
    'no-text': [
      detail === 'left to Resend' ? 'only an HTML part; Resend derives the text from it' : 'an empty text part',
      'Send a text part beside the HTML.',
    ],
    'shared-recipients': [
      'several users in one "to" or "cc": each reads the addresses of the others',
      'Send one mail to each, in a batch.',
    ],
    'header-injection': [
      `a line break in the field ${detail}`,
      'Replace white space in names and titles by a blank before they go into a header.',
    ],
  }
}
