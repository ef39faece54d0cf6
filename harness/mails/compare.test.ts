import { describe, expect, test } from 'vitest'
import type { Side } from '../model/suite-run.ts'
import { compareMails, type Expected } from './compare.ts'
import type { Seen } from './settle.ts'

const expected: Expected = { functions: ['notify'], mailsExpected: true, sitesKnown: true, unasked: [] }

function seen(changes: Partial<Seen> = {}): Seen {
  return { mails: 3, refused: 0, logLines: 10, problems: [], secrets: [], excused: 0, ...changes }
}
function problem(kind: Seen['problems'][number]['kind'], mails = 2, detail = 'undefined'): Partial<Seen> {
  return { problems: [{ sender: 'notify', kind, detail, mails }] }
}
const compare = (sides: Partial<Record<Side, Partial<Seen>>>, changes: Partial<Expected> = {}) =>
  compareMails({ before: [seen(sides.before)], after: [seen(sides.after)] }, { ...expected, ...changes })

describe('mails of both sides', () => {
  test('well formed ones pass', () => {
    const { findings, checks } = compare({})
    expect(findings).toEqual([])
    expect(checks.map(({ id, status, required }) => [id, status, required])).toEqual([
      ['features.mail', 'passed', true],
      ['access.secrets', 'passed', true],
    ])
    expect(checks[0]?.summary).toBe('3 mails of functions were read on the migrated copy, 3 before.')
  })

  test('a malformed mail that is new on after blocks, with counts', () => {
    const { findings, checks } = compare({ after: problem('placeholder') })
    expect(findings).toEqual([
      {
        kind: 'mail.malformed',
        object: 'notify',
        title: '2 mails of the function notify have an unfilled placeholder: undefined',
        evidence: ['on the migrated copy 2 times, before the migrations never'],
        problem: 'an unfilled placeholder: undefined',
        fix: expect.any(String),
        severity: 'blocking',
      },
    ])
    expect(checks[0]?.status).toBe('failed')
  })

  test('one that is as bad before is a warning; one that is gone is none', () => {
    const both = compare({ before: problem('placeholder', 1), after: problem('placeholder') })
    expect(both.findings).toMatchObject([{ severity: 'warning' }])
    expect(both.checks[0]).toMatchObject({ status: 'passed', summary: expect.stringContaining('1 kind of trouble') })
    expect(compare({ before: problem('placeholder') }).findings).toEqual([])
  })

  test.each(['shared-recipients', 'header-injection', 'unescaped'] as const)('%s blocks on both sides, too', (kind) => {
    const { findings } = compare({ before: problem(kind), after: problem(kind) })
    expect(findings).toMatchObject([{ severity: 'blocking' }])
  })

  test('a missing text part that Resend derives, and a link to this machine where no site is known, only warn', () => {
    const local = problem('broken-link', 1, 'to this machine or a private network')
    expect(compare({ after: problem('no-text', 1, 'left to Resend') }).findings[0]?.severity).toBe('warning')
    expect(compare({ after: problem('no-text', 1, 'switched off') }).findings[0]?.severity).toBe('blocking')
    expect(compare({ after: local }, { sitesKnown: false }).findings[0]?.severity).toBe('warning')
    expect(compare({ after: local }).findings[0]?.severity).toBe('blocking')
  })

  test('a secret blocks wherever it was seen', () => {
    const secrets = [{ sender: 'notify', secret: 'the service key', place: 'log', times: 2 }] as const
    const { findings, checks } = compare({ before: { secrets } })
    expect(findings).toMatchObject([
      {
        kind: 'secret.exposed',
        object: 'notify',
        title: 'The function notify has the service key written into its log, 2 times',
      },
    ])
    expect(checks[1]?.status).toBe('failed')
  })

  test('no mail at all is not fine where a contract promises one, and not configured where none does', () => {
    const none = { after: { mails: 0 } }
    expect(compare(none).checks[0]).toMatchObject({ status: 'not run', required: true })
    expect(compare(none, { mailsExpected: false }).checks[0]).toMatchObject({
      status: 'not configured',
      required: false,
    })
    expect(compare(none, { functions: [] }).checks[0]).toMatchObject({ status: 'passed', required: false })
  })

  test('data that could not be asked make the check not run', () => {
    expect(compare({}, { unasked: ['no connection'] }).checks[0]).toMatchObject({
      status: 'not run',
      reason: 'no connection',
    })
  })
})
