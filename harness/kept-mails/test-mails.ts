import type { KeptMail } from '../model/kept-mail.ts'

/** A kept mail for tests, with changes. */
export function keptMail(changes: Partial<KeptMail> = {}): KeptMail {
  return {
    side: 'after',
    problems: [],
    failedTests: [],
    id: '1',
    source: 'resend',
    from: 'Planner <notifications@planner.app>',
    to: ['ada@example.com'],
    cc: [],
    bcc: [],
    replyTo: [],
    subject: 'New messages',
    html: '<p>Hello Ada</p>',
    text: 'Hello Ada',
    headers: {},
    tags: [],
    attachments: [],
    links: [],
    tokens: [],
    function: 'notify',
    at: '2026-11-22T12:00:00.000Z',
    status: 'sent',
    events: [],
    ...changes,
  }
}
