import { lookAtAccess } from './access-stage.ts'
import { answersBetween, lookAtApi } from './api-stage.ts'
import { attribute } from './attribution/attribute.ts'
import { remembered } from './attribution/login-lookers.ts'
import type { RunOptions } from './cli/options.ts'
import { type Cloner, untouchedCopies } from './clones.ts'
import { checkContractNames } from './contract-names.ts'
import type { Database } from './database/engine.ts'
import { rehearseDeploy } from './deploy-stage.ts'
import { takeDevelopment } from './development.ts'
import { throwIfAborted } from './errors.ts'
import { type Inputs, readInputs } from './inputs.ts'
import { lookAtJobs } from './jobs-stage.ts'
import { type LoginsOf, lookAtRealLogins } from './login-stage.ts'
import { lintMigrations } from './migrations/lint.ts'
import { provePredicates } from './migrations/prove.ts'
import { takeTableSizes } from './migrations/table-sizes.ts'
import type { Contracts } from './model/config.ts'
import type { RollbackRun } from './model/migration-run.ts'
import type { Rehearsal } from './model/report.ts'
import type { Side, SuiteRun } from './model/suite-run.ts'
import { plannedChecks } from './planned-checks.ts'
import { type Prepared, prepare } from './prepare.ts'
import { provenanceOf } from './provenance.ts'
import { lookAtRecipients, mailingOf } from './recipients-stage.ts'
import { rehearseRollback } from './rollback.ts'
import { compareDates } from './snapshot/dates/compare-dates.ts'
import type { NamedOrder } from './snapshot/dates/orders.ts'
import { compareLedger } from './snapshot/ledger/compare-ledger.ts'
import { compareCorrupt } from './snapshot/ledger/corruption.ts'
import { probeAuthWrites } from './snapshot/logins/auth-writes.ts'
import { compareLogins } from './snapshot/logins/compare.ts'
import { compareAuthWrites } from './snapshot/logins/compare-auth-writes.ts'
import { takeLogins } from './snapshot/logins/take.ts'
import { compareQueries } from './snapshot/queries/compare.ts'
import { compareSchema } from './snapshot/schema/compare-schema.ts'
import { extractFacts } from './snapshot/schema/delta.ts'
import { developmentDifferences, developmentFindings } from './snapshot/schema/development.ts'
import { type SchemaFacts, takeSchema } from './snapshot/schema/take-schema.ts'
import { type Evidence, type StageEvents, Stages } from './stages.ts'
import { runSuiteStage } from './suite-stage.ts'
import { decide } from './verdict/decide.ts'

export type Host = { readonly signal: AbortSignal; readonly events: StageEvents }

/** The stages after the two sides are made, in the order in which they run and are reported. */
const comparisons = [
  'lint',
  'deploy',
  'schema',
  'development',
  'pages',
  'ledger',
  'dates',
  'jobs',
  'logins',
  'log in',
  'row sets',
  'writes',
  'functions',
  'api',
  'recipients',
  'suites',
  'queries',
  'rollback',
  'causes',
] as const
export const stageNames = ['start the server', 'restore', 'migrate', ...comparisons] as const

/**
 * The main job: restores the dump, migrates a copy, compares both, and judges. A stage that fails makes the verdict
 * inconclusive. Throws a `HarnessError` for bad input (nothing was started, or all of it was taken down) and `aborted`.
 */
export async function rehearse(options: RunOptions, { signal, events }: Host): Promise<Rehearsal> {
  const startedAt = new Date()
  await using inputs = await readInputs(options, signal)
  const stages = new Stages(stageNames, plannedChecks(inputs), events)
  await using prepared = await prepare(inputs, stages, signal)
  await checkContractNames(options.config.contracts ?? {}, prepared, inputs.functions)
  const looked = await look(prepared, inputs, stages, signal)
  const { before, after, selection } = prepared
  const proofs =
    before && after ? await provePredicates(inputs.expectations, stages.findings, before, after, { signal }) : []
  const status = new Map(prepared.migrations?.migrations.map((migration) => [migration.name, migration.status]))
  const verdict = decide({
    findings: stages.findings,
    checks: stages.checks,
    stages: stages.rows,
    suites: looked.suites,
    migrations: (selection?.pending ?? []).map(({ name, sql }) => ({
      name,
      sql,
      status: status.get(name) ?? 'not run',
    })),
    functions: inputs.functions,
    expectations: inputs.expectations,
    proofs,
    waivers: options.config.waivers ?? [],
    plan: options.config.plan,
    require: options.config.require,
    today: startedAt.toISOString().slice(0, 10),
  })
  const provenance = await provenanceOf(inputs, prepared, startedAt)
  throwIfAborted(signal, 'judging')
  // Without both sides there is nothing to look into.
  if (before && after) await prepared.keep()
  return {
    ...verdict,
    ...(prepared.restore === undefined ? {} : { restore: prepared.restore }),
    ...(prepared.migrations === undefined ? {} : { migrations: prepared.migrations }),
    ...(looked.rollback === undefined ? {} : { rollback: looked.rollback }),
    ...(looked.suites === undefined ? {} : { suites: looked.suites }),
    stages: stages.rows,
    provenance,
  }
}

type Sides = Readonly<Record<Side, Database>>
type Looked = { readonly suites?: SuiteRun; readonly rollback?: RollbackRun }

/**
 * Everything that is looked at on the two sides. Stages that only read, and those that read other things than they, run
 * side by side; what measures times or fills both cores by itself runs alone.
 */
async function look(prepared: Prepared, inputs: Inputs, stages: Stages, signal: AbortSignal): Promise<Looked> {
  const { before, after, selection } = prepared
  if (!before || !after || !selection) {
    for (const name of comparisons) stages.skip(name, 'there is no migrated copy to look at')
    return {}
  }
  const { options } = inputs
  await using copies = await untouchedCopies([before, after])
  const { clone } = copies
  await stages.look('lint', async () => {
    const { migrations: run } = prepared
    const queries = inputs.capture?.queries?.map(({ query }) => query)
    const tables = run && { run, sizes: await takeTableSizes(before), queries }
    const { findings, check } = await lintMigrations(selection.pending, { signal, tables })
    return { findings, checks: [check] }
  })
  if (prepared.migrations) {
    const { maxBlock } = options.config
    const { pending, record } = selection
    await rehearseDeploy(before, { pending, run: prepared.migrations, record, maxBlock, clone, signal }, stages)
  }
  const sides = { before, after }
  const schemaOf = remembered((database) => takeSchema(database, { signal }))
  const [logins, { identities, access, later }] = await stages.together([
    (lane) => lookAtStates(sides, { prepared, inputs, selection, schemaOf, clone, signal }, lane),
    (lane) => lookAtAccess(sides, inputs, clone, lane, signal),
  ])
  const reads = options.config.contracts?.reads ?? []
  const api = { reads, identities: identities ?? [], known: new Map(), clone, signal }
  await stages.look('api', () => lookAtApi(sides, stages.findings, api))
  const mailing = mailingOf(options.config.contracts)
  await stages.look('recipients', () => lookAtRecipients(sides, mailing, signal))
  const suites = await runSuiteStage(sides, inputs, clone, stages, signal)
  if (identities === undefined) stages.skip('queries', 'nobody could be picked to send them')
  else {
    await stages.look('queries', async () => {
      await using was = await clone(before)
      await using is = await clone(after)
      // Awaited here: the clones go when this block ends.
      return await compareQueries(was, is, identities, {
        signal,
        seed: options.seed,
        queries: options.config.queries ?? [],
        captured: inputs.capture?.queries,
      })
    })
  }
  const way = {
    folder: inputs.rollback,
    applied: selection.pending,
    restore: prepared.restore,
    record: selection.record,
    access,
    later,
    schemaOf,
  }
  const touched = new Set(
    stages.findings.filter(({ kind }) => /^(schema|data|access)\./.test(kind)).map(({ object }) => object),
  )
  const [rollback, caused] = await stages.together([
    (lane) => rehearseRollback(sides, { ...way, touched, clone, signal }, lane),
    (lane) =>
      lane.run('causes', async (progress) => {
        const { pending, record } = selection
        const found = await attribute(lane.findings, {
          before,
          after,
          pending,
          applied: prepared.migrations?.migrations ?? [],
          access,
          later,
          zone: prepared.zone,
          logins,
          answers: reads.length > 0 ? answersBetween(api) : undefined,
          mailing,
          secretsByHand: options.config.contracts?.reminders?.secretsByHand,
          record,
          clone,
          signal,
        })
        const named = found.filter(({ migration }) => migration !== undefined).length
        progress(`${named} of ${found.length} findings have their migration`)
        return { found, of: lane.findings.length }
      }),
  ])
  // No migration is behind what the way back brought about.
  if (caused) stages.replaceFindings([...caused.found, ...stages.findings.slice(caused.of)])
  return { ...(suites === undefined ? {} : { suites }), ...(rollback === undefined ? {} : { rollback }) }
}

type StatesContext = {
  readonly prepared: Prepared
  readonly inputs: Inputs
  readonly selection: NonNullable<Prepared['selection']>
  /** Reads each schema once. */
  readonly schemaOf: (database: Database) => Promise<SchemaFacts>
  readonly clone: Cloner
  readonly signal: AbortSignal
}

/** The stages from `schema` to `log in`: what is in the two databases, and who can log in. Answers with those whose logins differ. */
async function lookAtStates(
  sides: Sides,
  { prepared, inputs, selection, schemaOf, clone, signal }: StatesContext,
  stages: Stages,
): Promise<LoginsOf> {
  const { before, after } = sides
  const { options } = inputs
  await stages.look('schema', async () => {
    const [was, is] = await Promise.all([schemaOf(before), schemaOf(after)])
    return compareSchema(was, is)
  })
  const { development } = options.config
  if (development === undefined) stages.skip('development', 'no development is named in the config')
  else {
    await stages.look('development', async () =>
      developmentFindings(
        developmentDifferences(await extractFacts(after), await takeDevelopment(development, prepared.cluster, signal)),
      ),
    )
  }
  await stages.look('pages', (progress) =>
    compareCorrupt(before, after, {
      signal,
      onProgress: ({ done, of, object }) => progress(`${done} of ${of}: ${object}`),
    }),
  )
  await stages.look('ledger', (progress) =>
    compareLedger(before, after, {
      signal,
      moves: inputs.moves.filter(({ migration }) => selection.pending.some(({ name }) => name === migration)),
      onProgress: ({ done, of, table }) => progress(`${done} of ${of}: ${table}`),
    }),
  )
  await stages.look('dates', (progress) =>
    compareDates(before, after, {
      signal,
      zone: prepared.zone,
      orders: ordersOfContracts(options.config.contracts),
      onProgress: ({ done, of, table }) => progress(`${done} of ${of}: ${table}`),
    }),
  )
  const secretsByHand = options.config.contracts?.reminders?.secretsByHand
  const notInDump = prepared.restore?.notInDump?.some(({ object }) => object === 'cron.job') ?? false
  await stages.look('jobs', () => lookAtJobs(sides, { clone, secretsByHand, notInDump, signal }))
  await stages.look('logins', () => lookAtLogins(before, after, clone, signal))
  return await lookAtRealLogins(sides, inputs, clone, stages, signal)
}

function ordersOfContracts({ resource }: Contracts = {}): readonly NamedOrder[] {
  if (resource?.startsAt === undefined || resource.endsAt === undefined) return []
  return [{ table: resource.table, start: resource.startsAt, end: resource.endsAt }]
}

async function lookAtLogins(
  before: Database,
  after: Database,
  clone: (of: Database) => Promise<Database>,
  signal: AbortSignal,
): Promise<Evidence> {
  const read = compareLogins(await takeLogins(before, { signal }), await takeLogins(after, { signal }))
  await using was = await clone(before)
  await using is = await clone(after)
  const written = compareAuthWrites(await probeAuthWrites(was), await probeAuthWrites(is))
  return { findings: [...read.findings, ...written.findings], checks: [...read.checks, ...written.checks] }
}
