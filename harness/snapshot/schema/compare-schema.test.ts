import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import type { Finding } from '../../model/finding.ts'
import { compareSchema, schemasEqual } from './compare-schema.ts'
import { type SchemaFacts, takeSchema } from './take-schema.ts'
import { schemaCases as cases, type SchemaCase } from './test-cases.ts'

/** In public, offered to anon and authenticated. */
const apiBefore = `
  CREATE TABLE public.events (id int, title text, secret text); GRANT SELECT ON public.events TO anon; GRANT SELECT (id, title) ON public.events TO authenticated;
  CREATE TABLE public.vendors (id int); GRANT SELECT ON public.vendors TO anon;
  CREATE TABLE public.inner_log (id int, what text);
  CREATE TABLE public.inner_news (id int); CREATE PUBLICATION changes FOR TABLE public.inner_news, public.inner_log;
  CREATE FUNCTION public.validate(code text) RETURNS TABLE (valid boolean, event int) LANGUAGE sql AS 'select true, 1';
  CREATE FUNCTION public.search(term text, page int DEFAULT 1) RETURNS int LANGUAGE sql RETURN 1;
  CREATE FUNCTION public.count_all(a int) RETURNS int LANGUAGE sql RETURN 1;
  CREATE FUNCTION public.rate(a int) RETURNS int LANGUAGE sql RETURN 1;
  CREATE FUNCTION public.hidden(a int) RETURNS int LANGUAGE sql RETURN 1; REVOKE EXECUTE ON FUNCTION public.hidden FROM PUBLIC;`
const apiMigration = `
  ALTER PUBLICATION changes DROP TABLE public.inner_news;
  ALTER TABLE public.events DROP COLUMN title; ALTER TABLE public.events ADD name text; DROP TABLE public.vendors; DROP TABLE public.inner_log;
  CREATE TABLE public.inner_notes (id int); ALTER TABLE public.inner_news ADD what text;
  CREATE TABLE public.cities (id int); GRANT SELECT ON public.cities TO authenticated;
  DROP FUNCTION public.validate; CREATE FUNCTION public.validate(code text) RETURNS jsonb LANGUAGE sql RETURN '{}'::jsonb;
  DROP FUNCTION public.search; CREATE FUNCTION public.search(term text, page int DEFAULT 1, size int DEFAULT 9) RETURNS int LANGUAGE sql RETURN 1;
  DROP FUNCTION public.count_all; CREATE FUNCTION public.count_all(a int, b int) RETURNS int LANGUAGE sql RETURN 1;
  DROP FUNCTION public.rate; CREATE FUNCTION public.rate(stars int) RETURNS int LANGUAGE sql RETURN 1;
  DROP FUNCTION public.hidden`

describe('the schema compared', () => {
  let cluster: Cluster
  let before: SchemaFacts
  let after: SchemaFacts
  let findings: readonly Finding[]

  beforeAll(async () => {
    cluster = await startTestCluster()
    const database = await cluster.createDatabase('before')
    await runAll(database, (one) => one.before, `CREATE ROLE anon; CREATE ROLE authenticated; ${apiBefore}`)
    const clone = await database.clone('after')
    await runAll(clone, (one) => one.migration, apiMigration)
    await using connection = await clone.connect()
    for (const [index, one] of Object.values(cases).entries()) {
      if (one.alone === undefined) continue
      await connection.query(`SET search_path = case${index}`)
      await connection.query(one.alone).catch(() => {})
    }
    ;[before, after] = await Promise.all([takeSchema(database), takeSchema(clone)])
    findings = compareSchema(before, after).findings
  })
  afterAll(() => cluster?.stop())

  it.each(Object.keys(cases))('%s', (name) => {
    const schema = `case${Object.keys(cases).indexOf(name)}.`
    const own = findings.filter((finding) => finding.object.startsWith(schema))
    expect(own.map((finding) => told(finding).replaceAll(schema, '')).sort()).toEqual(cases[name]?.findings)
  })

  it('blocks when the Data API offers less, by name, and tells what is new', () => {
    expect(
      findings
        .filter((finding) => finding.kind.startsWith('feature.'))
        .map(told)
        .sort(),
    ).toEqual([
      'feature.api-added public.cities',
      'feature.api-added public.events(name)',
      'feature.api-removed public.count_all',
      'feature.api-removed public.events(title)',
      'feature.api-removed public.rate',
      'feature.api-removed public.validate',
      'feature.api-removed public.vendors',
    ])
  })

  it('tells no table or column as new that the Data API offers to nobody', () => {
    const offered = findings.filter(({ kind }) => kind === 'feature.api-added').map(({ object }) => object)
    expect(offered).not.toContain('public.inner_notes')
    expect(offered).not.toContain('public.inner_news')
    expect(findings.map(({ object }) => object)).toContain('public.inner_news')
  })

  it('blocks when a table leaves a publication, and not when its table is gone', () => {
    const own = findings.filter((finding) => finding.object.startsWith('changes')).map(told)
    expect(own).toEqual(['schema.object-dropped changes.public.inner_news', 'schema.changed changes'])
  })

  it('says what is gone in plain words', () => {
    const titles = findings.filter((finding) => finding.kind === 'feature.api-removed').map((finding) => finding.title)
    expect(titles).toContain('The Data API no longer offers public.vendors to anon: it does not exist any more.')
    expect(titles).toContain('Calls of public.rate that worked before fail after.')
  })

  it('finds no difference in a schema that is the same, and lists each one else', () => {
    expect(schemasEqual(before, before)).toEqual([])
    expect(compareSchema(after, after).findings).toEqual([])
    expect(schemasEqual(before, after)).toContain('public.events: removed: column title (text)')
  })

  it('fails its checks on harm, and passes them on none', () => {
    expect(compareSchema(before, after).checks.map(({ id, status }) => [id, status])).toEqual([
      ['data.schema', 'failed'],
      ['features.api', 'failed'],
    ])
    expect(compareSchema(before, before).checks.map(({ status }) => status)).toEqual(['passed', 'passed'])
  })
})

async function runAll(database: Database, sql: (one: SchemaCase) => string, more: string): Promise<void> {
  await using connection = await database.connect()
  await connection.query(more)
  for (const [index, [name, one]] of Object.entries(cases).entries()) {
    try {
      await connection.query(`CREATE SCHEMA IF NOT EXISTS case${index}; SET search_path = case${index}; ${sql(one)}`)
    } catch (cause) {
      throw new Error(`The SQL of "${name}" fails.`, { cause })
    }
  }
}

function told({ kind, object, columns, severity }: Finding): string {
  return `${kind} ${object}${columns ? `(${columns.join(', ')})` : ''}${severity ? ` (${severity})` : ''}`
}
