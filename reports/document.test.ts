import { describe, expect, test } from 'vitest'
import { catalogue } from '../harness/verdict/catalogue/catalogue.ts'
import { toDocument } from './document.ts'
import { renderJson } from './json.ts'
import { sampleRehearsal } from './sample.ts'
import { reportSchema } from './schema.ts'

const verdicts = ['go', 'no-go', 'inconclusive'] as const

describe('the report document', () => {
  test.each(verdicts)('of a rehearsal that ended in %s is valid, also after a trip through JSON', (verdict) => {
    const document = toDocument(sampleRehearsal(verdict), catalogue)
    expect(document).toMatchObject({ version: 1, verdict })
    expect(reportSchema.parse(JSON.parse(renderJson(document)))).toEqual(document)
  })

  test('carries what the catalogue says of each finding, and the line to paste', () => {
    const [finding] = toDocument(sampleRehearsal('no-go'), catalogue).findings
    expect(finding).toMatchObject({
      kind: 'access.rows-gained',
      advice: catalogue['access.rows-gained'].advice,
      expectation: '-- greenlight: expects access.rows-gained public.profiles to anon because …',
    })
  })

  test('counts every entry of the dump by its fate and lists those that were not restored', () => {
    const { restore } = toDocument(sampleRehearsal('go'), catalogue)
    expect(restore?.entries).toEqual({ total: 140, restored: 138, stubbed: 1, refused: 1, failed: 0 })
    expect(restore?.notRestored.map(({ name }) => name)).toEqual(['pg_cron', 'warehouse'])
  })

  test('of a run that ended before the restore has empty lists, not made-up results', () => {
    const { restore: _, migrations: __, rollback: ___, suites: ____, ...early } = sampleRehearsal('inconclusive')
    expect(toDocument(early, catalogue)).toMatchObject({ migrations: [] })
    expect(toDocument(early, catalogue)).not.toHaveProperty('suites')
  })

  test('holds nothing that a stage let slip', () => {
    const rehearsal = sampleRehearsal('no-go')
    const [first] = rehearsal.findings
    if (!first) throw new Error('The sample has findings.')
    const leaky = {
      ...rehearsal,
      findings: [{ ...first, title: 'Key (email)=(jane.doe@example.com) exists.', evidence: ['re_8Hs7dK2mPq_4Jd8'] }],
    }
    const text = renderJson(toDocument(leaky, catalogue))
    expect(text).not.toContain('jane.doe')
    expect(text).not.toContain('8Hs7dK2mPq')
    expect(text).toContain('Key (email)=([redacted]) exists.')
  })
})
