import type { Mail } from '../model/stack.ts'

/** A mail for tests, with changes. */
export function testMail(changes: Partial<Mail> = {}): Mail {
  return {
    id: '1',
    source: 'resend',
    from: 'Planner <notifications@planner.app>',
    to: ['ada@example.com'],
    cc: [],
    bcc: [],
    replyTo: [],
    subject: 'News',
    text: 'Hello Ada.',
    headers: {},
    tags: [],
    attachments: [],
    links: [],
    tokens: [],
    at: '2026-11-22T12:00:00.000Z',
    status: 'delivered',
    events: [],
    ...changes,
  }
}
