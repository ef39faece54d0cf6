import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Cluster } from '../database/engine.ts'
import { startTestCluster } from '../database/test-cluster.ts'
import type { Finding } from '../model/finding.ts'
import { preparePlatform } from '../platform/prepare.ts'
import { writeArchive } from './archive/write-archive.ts'
import type { TocEntry } from './dump.ts'
import { findingsOfRestore } from './findings.ts'
import { query } from './native/database-content.ts'
import { readDump } from './read-dump.ts'
import { restore } from './restore.ts'

let cluster: Cluster
let folder: string
let copies = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'greenlight-findings-'))
  cluster = await startTestCluster()
})
afterAll(async () => {
  await cluster.stop()
  await rm(folder, { recursive: true })
})

/** Restores an archive of these entries as a run does, into a database of the platform. */
async function restored(...entries: readonly Partial<TocEntry>[]) {
  const path = join(folder, `${++copies}.dump`)
  const whole = entries.map((entry, index) => ({
    id: index + 1,
    type: 'TABLE',
    section: 'pre-data' as const,
    schema: 'public',
    name: `n${index + 1}`,
    owner: 'postgres',
    definition: '',
    dropStatement: '',
    copyStatement: '',
    dependencies: [],
    ...entry,
  }))
  await writeFile(path, writeArchive({ minor: 16, compression: 'none', entries: whole }))
  const database = await cluster.createDatabase(`copy_${copies}`)
  await preparePlatform(database)
  const run = await restore(await readDump(path), database)
  const told = ({ kind, object }: Finding) => `${kind} ${object}`
  return { run, database, findings: findingsOfRestore(run), told: findingsOfRestore(run).map(told) }
}

const extension = (name: string) => ({
  type: 'EXTENSION',
  schema: '',
  owner: '',
  name,
  definition: `CREATE EXTENSION IF NOT EXISTS ${name} WITH SCHEMA extensions;\n`,
})
const extensions = { type: 'SCHEMA', schema: '', name: 'extensions', definition: 'CREATE SCHEMA extensions;\n' }
const table = { name: 'n1', definition: 'CREATE TABLE public.n1 (a int);\n' }

test('an extension that the server lacks is told as a stub, with what it does not do', async () => {
  const { run, findings, told, database } = await restored(extensions, extension('pg_net'))
  expect(told).toEqual(['restore.extension-stubbed pg_net'])
  expect(findings[0]?.title).toBe('Extension pg_net is a stub here: requests are queued, none is ever sent')
  expect(run.entries.map(({ fate }) => fate)).toEqual(['restored', 'stubbed'])
  const made = "SELECT to_regprocedure('net.http_get(text,jsonb,jsonb,integer)') IS NOT NULL AS made"
  expect(await query(database, made)).toEqual([{ made: true }])
})

test('an extension that the server has is itself, and no finding', async () => {
  const { told, database } = await restored(extensions, extension('citext'))
  expect(told).toEqual([])
  expect(await query(database, "SELECT 'A'::extensions.citext = 'a' AS same")).toEqual([{ same: true }])
})

test('a role that the dump only names is made, and told', async () => {
  const { told } = await restored({ ...table, owner: 'reporting_team' })
  expect(told).toEqual(['restore.role-created reporting_team'])
})

test('a role of the platform is there, and no finding', async () => {
  const grant = { type: 'ACL', name: 'TABLE n1', definition: 'GRANT SELECT ON TABLE public.n1 TO authenticated;\n' }
  const { told } = await restored({ ...table, owner: 'supabase_admin' }, { ...grant, dependencies: [1] })
  expect(told).toEqual([])
})

test('an archive holds all of production: nothing of it is told as left out', async () => {
  const { told } = await restored(table)
  expect(told.filter((line) => line.startsWith('restore.not-in-dump'))).toEqual([])
})
