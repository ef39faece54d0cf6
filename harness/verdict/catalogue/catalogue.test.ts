import { describe, expect, test } from 'vitest'
import { findingKinds, metricNames } from '../../model/finding.ts'
import { catalogue } from './catalogue.ts'

describe('the catalogue of findings', () => {
  test('has a record for every kind and for nothing else', () => {
    expect(Object.keys(catalogue).sort()).toEqual([...findingKinds].sort())
  })

  test.each(findingKinds)(
    '%s says what it means, why it matters, what to do, and shows a bad and a good case',
    (kind) => {
      const record = catalogue[kind]
      for (const sentence of [record.meaning, record.why, record.advice]) expect(sentence).toMatch(/^[A-Z].{15,}[.…;]$/)
      expect(record.bad.length).toBeGreaterThan(5)
      expect(record.good.length).toBeGreaterThan(5)
      expect(record.bad).not.toBe(record.good)
      expect(metricNames).toContain(record.metric)
    },
  )

  test('gives the severities that the design states', () => {
    const with_ = (severity: string) => findingKinds.filter((kind) => catalogue[kind].severity === severity)
    expect(with_('warning')).toEqual([
      'restore.newer-server',
      'restore.not-in-dump',
      'migration.out-of-order',
      'migration.same-number',
      'migration.missing-file',
      'migration.guards-off',
      'migration.lint',
      'schema.type-changed',
      'schema.constraint-not-validated',
      'schema.differs-from-dev',
      'access.policy-unexercised',
      'feature.job-changed',
      'storage.bloat',
      'index.dropped',
      'rollback.missing',
      'rollback.loses-new-data',
      'expectation.unmatched',
      'waiver.unmatched',
    ])
    expect(with_('info')).toEqual([
      'restore.extension-stubbed',
      'restore.role-created',
      'migration.not-repeatable',
      'schema.changed',
      'data.values-moved',
      'data.values-filled',
      'data.rows-touched',
      'data.rows-inserted',
      'feature.api-added',
      'feature.fixed',
      'storage.grown',
      'index.abandoned',
      'index.unused',
    ])
  })
})
