import type { FindingKind } from '../../model/finding.ts'
import type { FindingRecord } from './record.ts'

export const mailFindings = {
  'mail.wrong-recipient': {
    severity: 'blocking',
    metric: 'features',
    meaning: 'A mail goes to someone who must not get it, or to an address that is not theirs.',
    why: 'It tells a stranger about an event, or annoys the one who made the change.',
    advice:
      'Look at the rows that make somebody a recipient: membership, address, the switch for mails, the confirmation of the address; then at how the function reads them.',
    declared: 'columns',
    bad: 'The editor gets a mail about the own edit.',
    good: 'All other members get it.',
  },
  'mail.missing-recipient': {
    severity: 'blocking',
    metric: 'features',
    meaning: 'Someone who must get mails gets none any more.',
    why: 'People miss changes and do not know that they do.',
    advice:
      'Look at the rows that make somebody a recipient: membership, address, the switch for mails; then whether the function stops at the first failure.',
    declared: 'columns',
    bad: 'Collaborators without a row in profiles are skipped.',
    good: 'Each member gets one mail.',
  },
  'mail.duplicate': {
    severity: 'blocking',
    metric: 'features',
    meaning: 'The same mail goes to the same person more than once.',
    why: 'It looks broken, and harms the standing of the sender.',
    advice:
      'Keep a person from being a member twice; use an idempotency key, and write the log row before the mail is sent.',
    declared: 'columns',
    bad: 'A reminder for each run of the job.',
    good: 'A unique key on (invitation, day).',
  },
  'mail.over-limit': {
    severity: 'blocking',
    metric: 'features',
    meaning: 'More mails went out within the window than the limit of the config allows.',
    why: 'A lively chat floods the inboxes of its members.',
    advice: 'Count the mails of the window in the database, and in the same transaction as the new one.',
    declared: 'never',
    bad: 'Ten messages within a minute, ten mails.',
    good: 'Ten messages within a minute, one mail.',
  },
  'mail.lost-on-failure': {
    severity: 'blocking',
    metric: 'features',
    meaning: 'The mail service failed once, and the mail was neither sent later nor reported.',
    why: 'It will fail now and then; the mail must not be lost for it.',
    advice: 'Mark a mail as sent only after the service has accepted it, and try again on the next run.',
    declared: 'never',
    bad: 'The log row is written first, the error is swallowed.',
    good: 'The row says "pending" until the service answers with an id.',
  },
  'mail.malformed': {
    severity: 'blocking',
    metric: 'features',
    meaning: 'A mail has something in it that its reader must not see, or lacks something that the reader needs.',
    why: 'Once sent it cannot be called back: a placeholder looks broken, a dead link helps nobody, a list of addresses tells each reader about all others.',
    advice:
      'Look at the mail (a run with --keep leaves them all in kept-mails.html), then at the template of the function that sent it.',
    declared: 'never',
    bad: 'Hello undefined, see http://localhost:3000/events/null.',
    good: 'Hello Ada, see https://planner.app/events/7.',
  },
  'egress.attempted': {
    severity: 'blocking',
    metric: 'features',
    meaning: 'A function, or a scheduled job that is new, tried to reach a host other than the stack.',
    why: 'The copy holds real people: nothing may leave the machine. It was kept from doing so.',
    advice:
      'Give the function the address by an environment variable, so that a rehearsal can point it elsewhere; of a job, look whether it is meant.',
    declared: 'never',
    bad: "await fetch('https://hooks.example.com/notify', …)",
    good: "await fetch(Deno.env.get('WEBHOOK_URL'), …)",
  },
  'secret.exposed': {
    severity: 'blocking',
    metric: 'access',
    meaning: 'A function put a key, or a token of a user, into a mail or wrote it into its log.',
    why: 'Whoever reads the mail or the log can act with it: with the service key on all data, with a token as that user.',
    advice:
      'Log ids and counts, never headers, environments or whole requests; replace a key that was ever logged in production.',
    declared: 'never',
    bad: "console.log(request.headers.get('authorization'))",
    good: "console.log('called by', user.id)",
  },
} satisfies Partial<Record<FindingKind, FindingRecord>>
