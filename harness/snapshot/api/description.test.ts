import { expect, test } from 'vitest'
import { compareDescriptions, type Descriptions, readDescription } from './description.ts'

const openApi = (columns: readonly string[], ...paths: string[]) => ({
  paths: Object.fromEntries(
    [...paths, '/'].map((path) => [path, path.startsWith('/rpc') ? { post: {} } : { get: {} }]),
  ),
  definitions: { events: { properties: Object.fromEntries(columns.map((name) => [name, {}])) } },
})
const told = (document: unknown): Descriptions => new Map([['anon', readDescription(document)]])
const before = told(openApi(['id', 'title'], '/events', '/rpc/search'))
const none: ReadonlySet<string> = new Set()

test('a relation, a column and a call that are not described any more are told, once', () => {
  const { findings, check } = compareDescriptions(before, told(openApi(['id'], '/events')), none)
  expect(findings.map(({ kind, object, evidence }) => [kind, object, ...evidence])).toEqual([
    ['feature.api-removed', 'public.events', 'anon: title is not described any more.'],
    ['feature.api-removed', 'public.search', 'anon: it is not described as a function any more.'],
  ])
  expect(check).toMatchObject({ id: 'features.description', status: 'failed' })
  const known = new Set(['public.events', 'public.search'])
  expect(compareDescriptions(before, told(openApi([], '/rpc/search')), known).findings).toEqual([])
})

test('what is added, or may be written no more, is no loss', () => {
  const after = told(openApi(['id', 'title', 'more'], '/events', '/vendors', '/rpc/search'))
  expect(compareDescriptions(before, after, none)).toMatchObject({ findings: [], check: { status: 'passed' } })
})

test('an API that cannot describe itself is not run, with the reason', () => {
  const broken: Descriptions = new Map([['anon', 'it answered 503 PGRST002']])
  expect(compareDescriptions(before, broken, none).check).toMatchObject({
    status: 'not run',
    required: true,
    reason: 'The Data API did not describe itself: anon: it answered 503 PGRST002.',
  })
  expect(compareDescriptions(new Map(), new Map(), none).check.status).toBe('not run')
  expect(readDescription('oops')).toBe('it is no OpenAPI document')
})
