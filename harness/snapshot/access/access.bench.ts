import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { adminRole, type Cluster, type Database } from '../../database/engine.ts'
import { quoteIdentifier, quoteLiteral } from '../../database/identifiers.ts'
import { startTestCluster } from '../../database/test-cluster.ts'
import { preparePlatformSchemas } from '../../platform/prepare.ts'
import { startStack } from '../../stack/stack.ts'
import { type Identity, pickIdentities } from '../identities.ts'
import { relationSql } from './exposed.ts'
import { type AccessFacts, type Relation, rowSets, setsOf } from './facts.ts'
import { impersonate } from './impersonate.ts'
import { takeAccess } from './take.ts'
import { administer, makeProject, plannerContracts } from './test-project.ts'

/**
 * Who sees which rows, asked in three ways of the same database: by `takeAccess`, through PostgREST (a GET for each
 * identity and table, with the exact count and the keys), and by pgTAP (a file for each identity, run by pg_prove).
 * `takeAccess` answers four row sets for each identity and table; the two others answer the rows seen alone.
 */
const users = 150
const sampled = 40
/** In flight at once: as many as PostgREST has connections. Ours uses two, and so does pg_prove. */
const requests = 4
const jobs = 2

let cluster: Cluster
let database: Database
let identities: readonly Identity[]
let relations: readonly Relation[]
let facts: AccessFacts
/** Rates by way: pairs of an identity and a table a second, and row sets a second. */
let ours = { pairs: 0, rowSets: 0 }

beforeAll(async () => {
  cluster = await startTestCluster()
  database = await cluster.createDatabase('project')
  await preparePlatformSchemas(database)
  await makeProject(database, { users })
  identities = await pickIdentities(database, { contracts: plannerContracts, seed: 1, maxUsers: sampled })
  const all = await takeAccess(database, [], {})
  relations = all.relations.filter(({ schema }) => schema === 'public')
  const only = new Set(relations.map(({ name }) => name))
  const outcome = { state: 'denied' } as const
  const probes = relations.flatMap(({ name }) =>
    identities.map((_, identity) => ({ relation: name, identity, outcome, milliseconds: 0 })),
  )
  const started = performance.now()
  // Everybody about all rows, however costly the policies are.
  facts = await takeAccess(database, identities, { only, jobs, like: { ...all, identities, probes } })
  ours = rate('takeAccess', performance.now() - started, rowSets.length)
}, 120_000)
afterAll(() => cluster.stop())

function rate(way: string, milliseconds: number, sets: number): typeof ours {
  const pairs = (identities.length * relations.length * 1_000) / milliseconds
  console.log(
    `${way}: ${identities.length} identities at ${relations.length} tables in ${(milliseconds / 1_000).toFixed(1)} s, ${pairs.toFixed(0)} pairs and ${(pairs * sets).toFixed(0)} row sets a second`,
  )
  return { pairs, rowSets: pairs * sets }
}

function compare(way: string, theirs: typeof ours, target: number): void {
  const times = (one: number, other: number) => (one / other).toFixed(1)
  console.log(
    `takeAccess against ${way}: ${times(ours.rowSets, theirs.rowSets)} times the row sets a second (target ${target}), ${times(ours.pairs, theirs.pairs)} times the pairs`,
  )
}

function seenBy(identity: number, relation: string): number {
  const probe = facts.probes.find((one) => one.identity === identity && one.relation === relation)
  return probe ? setsOf(probe.outcome).seen.count : 0
}

test(`PostgREST: a request for each of ${sampled} users and each table`, async () => {
  await using stack = await startStack(database)
  const secret = new TextEncoder().encode(stack.jwtSecret)
  const tokens = await Promise.all(
    identities.map(({ claims }) =>
      new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).setExpirationTime('1h').sign(secret),
    ),
  )
  const ask = async (identity: number, { table, key }: Relation): Promise<number> => {
    const select = encodeURIComponent(key.columns.map((column) => `"${column}"`).join(','))
    const response = await fetch(`${stack.url}/rest/v1/${encodeURIComponent(table)}?select=${select}`, {
      headers: { apikey: stack.anonKey, authorization: `Bearer ${tokens[identity]}`, prefer: 'count=exact' },
    })
    await response.json()
    return Number(response.headers.get('content-range')?.split('/')[1])
  }
  const [first] = relations
  if (first) await ask(0, first)
  const queue = identities.flatMap((_, identity) => relations.map((relation) => ({ identity, relation })))
  const wrong: string[] = []
  const started = performance.now()
  await Promise.all(
    Array.from({ length: requests }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const count = await ask(next.identity, next.relation)
        if (count !== seenBy(next.identity, next.relation.name)) wrong.push(next.relation.name)
      }
    }),
  )
  compare('PostgREST', rate('PostgREST', performance.now() - started, 1), 50)
  expect(wrong).toEqual([])
}, 600_000)

const pgTap = await findPgTap()

test.skipIf(pgTap === undefined)(
  `pgTAP: a file for each of ${sampled} users${pgTap ? '' : ', left out: pg_prove or the SQL of pgTAP is not installed (postgresql-15-pgtap, libtap-parser-sourcehandler-pgtap-perl)'}`,
  async () => {
    await using proved = await database.clone('proved')
    await administer(
      proved,
      `create schema tap; grant usage on schema tap to public; set search_path = tap; ${pgTap}; grant select on all tables in schema tap to public`,
    )
    const folder = await mkdtemp(join(tmpdir(), 'greenlight-bench-'))
    try {
      for (const [index, identity] of identities.entries()) {
        await writeFile(join(folder, `${index}.sql`), await tapFile(proved, index, identity))
      }
      const url = new URL(proved.url(adminRole))
      const started = performance.now()
      const { stdout, exitCode } = await execa(
        'pg_prove',
        [
          '-q',
          '-j',
          `${jobs}`,
          '-h',
          url.hostname,
          '-p',
          url.port,
          '-U',
          url.username,
          '-d',
          proved.name,
          ...identities.map((_, index) => join(folder, `${index}.sql`)),
        ],
        { env: { PGPASSWORD: cluster.password }, reject: false, all: true },
      )
      const milliseconds = performance.now() - started
      expect(exitCode, stdout).toBe(0)
      expect(stdout).toContain(`Files=${identities.length}, Tests=${identities.length * relations.length * 2}`)
      compare('pgTAP', rate('pgTAP', milliseconds, 1), 5)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
  600_000,
)

/** As people write it: sign in, then for each table the number of rows and their keys. */
async function tapFile(database: Database, index: number, identity: Identity): Promise<string> {
  await using session = await database.connect()
  const asserted = await Promise.all(
    relations.map(async (relation) => {
      const key = relation.key.columns.map((column) => `${quoteIdentifier(column)}::text`).join(` || ',' || `)
      const keys = `select ${key} from ${relationSql(relation)} order by 1`
      return { count: `select count(*)::int from ${relationSql(relation)}`, keys, relation }
    }),
  )
  const lines: string[] = []
  await session.query('begin')
  await session.query(impersonate(identity))
  for (const { count, keys, relation } of asserted) {
    const { rows } = await session.query<[string]>({ text: keys, values: [], rowMode: 'array' })
    const expected = `array[${rows.map(([one]) => quoteLiteral(one)).join(', ')}]::text[]`
    lines.push(
      `select is((${count}), ${seenBy(index, relation.name)}, ${quoteLiteral(`${relation.name} rows`)});`,
      `select results_eq(${quoteLiteral(keys)}, ${expected}, ${quoteLiteral(`${relation.name} keys`)});`,
    )
  }
  await session.query('rollback')
  return [
    'begin;',
    'set local search_path = public, extensions, tap;',
    `select plan(${lines.length});`,
    `select set_config('request.jwt.claims', ${quoteLiteral(JSON.stringify(identity.claims))}, true) is not null as signed_in \\gset`,
    `set local role ${quoteIdentifier(identity.role)};`,
    ...lines,
    'reset role;',
    'select * from finish();',
    'rollback;',
  ].join('\n')
}

/** The SQL of pgTAP, which needs nothing compiled; undefined where it or pg_prove is missing. */
async function findPgTap(): Promise<string | undefined> {
  const found = await execa('pg_prove', ['--version'], { reject: false })
  const root = '/usr/share/postgresql'
  for (const version of found.exitCode === 0 ? await readdir(root).catch(() => []) : []) {
    const folder = join(root, version, 'extension')
    const files = await readdir(folder).catch(() => [])
    const file = files.filter((name) => /^pgtap--[\d.]+\.sql$/.test(name)).at(-1)
    if (file !== undefined) return await readFile(join(folder, file), 'utf8')
  }
  return undefined
}
