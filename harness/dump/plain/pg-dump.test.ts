import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster, Database } from '../../database/engine.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import type { RestoreRun } from '../../model/restore-run.ts'
import { checksOfRestore } from '../findings.ts'
import { findNativeClient } from '../native/client.ts'
import { catalogue, fingerprints, query } from '../native/database-content.ts'
import { readDump } from '../read-dump.ts'
import { restore } from '../restore.ts'

const client = await findNativeClient()
afterAll(() => client?.[Symbol.asyncDispose]())

describe.skipIf(!client)(
  'scripts of pg_dump itself (needs PostgreSQL 17 on the path, or Docker with its image)',
  () => {
    let cluster: Cluster
    let source: Database
    let folder: string
    let copies = 0

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'greenlight-plain-'))
      cluster = await startTestCluster()
      source = await cluster.createDatabase('source')
      await using connection = await source.connect()
      await connection.query(await readFile(new URL('../../../fixtures/dumps/odd.sql', import.meta.url), 'utf8'))
    })
    afterAll(async () => {
      await cluster.stop()
      await rm(folder, { recursive: true })
    })

    async function dump(program: 'pg_dump' | 'pg_dumpall', ...options: string[]): Promise<string> {
      const path = join(folder, `${copies++}.sql`)
      const name = program === 'pg_dump' ? ['source'] : []
      const made = await client?.run(program, [...options, '--file', path, ...name], source)
      expect(made?.messages).toContain('exit 0')
      return path
    }

    async function restoreFiles(...paths: string[]): Promise<{ run: RestoreRun; database: Database }> {
      const database = await cluster.createDatabase(`copy_${copies++}`)
      await using read = await readDump(paths)
      return { database, run: await restore(read, database) }
    }

    const leftOut = ({ entries }: RestoreRun) =>
      entries
        .filter(({ fate }) => fate !== 'restored')
        .map(({ type, name, fate, reason }) => ({ type, name, fate, reason }))
    const neverRestored = [
      expect.objectContaining({ type: 'USER MAPPING', fate: 'stubbed' }),
      expect.objectContaining({ type: 'SUBSCRIPTION', fate: 'stubbed' }),
    ]

    test.each([
      ['as it comes'],
      ['--inserts'],
      ['--inserts', '--on-conflict-do-nothing'],
      ['--column-inserts', '--rows-per-insert=2'],
      ['--clean', '--if-exists'],
      ['--quote-all-identifiers'],
      ['--disable-dollar-quoting'],
      ['--load-via-partition-root'],
    ])('%s %s', async (...options) => {
      const path = await dump('pg_dump', ...options.filter((option) => option?.startsWith('--')))
      const { run, database } = await restoreFiles(path)
      expect(leftOut(run)).toEqual(neverRestored)
      expect(checksOfRestore(run).map(({ status }) => status)).toEqual(['passed', 'passed'])
      expect(await fingerprints(database)).toEqual(await fingerprints(source))
      expect(await catalogue(database)).toEqual(await catalogue(source))
      const large =
        'SELECT oid, lomowner::regrole, lomacl::text, md5(lo_get(oid)) FROM pg_largeobject_metadata ORDER BY oid'
      expect(await query(database, large)).toEqual(await query(source, large))
    })

    test.each([['--create'], ['--create', '--clean']])(
      '%s %s: the copy has a database of its own',
      async (...options) => {
        const { run, database } = await restoreFiles(await dump('pg_dump', ...options))
        expect(run.dump).toMatchObject({ format: 'plain', database: 'source' })
        expect(leftOut(run)).toEqual([expect.objectContaining({ type: 'DATABASE', name: 'source' }), ...neverRestored])
        expect(await catalogue(database)).toEqual(await catalogue(source))
      },
    )

    test('--use-set-session-authorization is refused: an owner may lack the right to make what it owns', async () => {
      await expect(readDump(await dump('pg_dump', '--use-set-session-authorization'))).rejects.toMatchObject({
        code: 'dump.not-supported',
        message: expect.stringContaining('without --use-set-session-authorization'),
      })
    })

    test('objects and rows in two files, the rows first', async () => {
      const rows = await dump('pg_dump', '--data-only', '--disable-triggers')
      const objects = await dump('pg_dump', '--schema-only')
      const { run, database } = await restoreFiles(rows, objects)
      expect(leftOut(run)).toEqual(neverRestored)
      expect(await fingerprints(database)).toEqual(await fingerprints(source))
      expect(await catalogue(database)).toEqual(await catalogue(source))
      await expect(readDump(objects)).rejects.toMatchObject({
        code: 'dump.not-supported',
        message: expect.stringContaining('no rows'),
      })
      await expect(readDump(rows)).rejects.toMatchObject({
        code: 'dump.not-supported',
        message: expect.stringContaining('rows but not the tables'),
      })
    })

    test('the entries are those of the archive, with what they need', async () => {
      const archive = join(folder, 'archive.dump')
      await client?.run('pg_dump', ['-Fc', '--file', archive, 'source'], source)
      await using plain = await readDump(await dump('pg_dump'))
      await using custom = await readDump(archive)
      const told = ({ entries }: typeof plain) =>
        entries
          .filter(({ type }) => !/^(DATABASE|BLOB METADATA|BLOB)$/.test(type))
          .map(({ type, schema, name, owner, section }) =>
            [type, schema, name.replaceAll('\n', ' ').replace('OBJECTS', 'OBJECT'), owner, section].join('|'),
          )
          .sort()
      expect(told(plain)).toEqual(told(custom))
      expect(plain.roles).toEqual(custom.roles)
    })
  },
)
