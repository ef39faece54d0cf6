import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import { sqlstateInWords } from '../access/sqlstates.ts'
import type { Job, JobPair, JobRun, SideJobs } from './facts.ts'
import { pairsOf } from './pairs.ts'

type Tried = JobPair & { readonly ran?: JobRun | undefined; readonly runs?: JobRun | undefined }

/** Scheduled jobs on both sides: which are gone or changed, and which no longer do what they did. Pure. */
export function compareJobs(before: SideJobs, after: SideJobs): { findings: Finding[]; checks: Check[] } {
  const tried = pairsOf(before.jobs, after.jobs).map(
    (pair): Tried => ({
      ...pair,
      ran: pair.was && before.runs.get(pair.was.id),
      runs: pair.is && after.runs.get(pair.is.id),
    }),
  )
  const findings = tried.flatMap((pair) => [...setting(pair), ...outcome(pair), ...egress(pair)])
  return { findings, checks: [checkOf(tried, findings), untriedCheck(tried)] }
}

/** What of the jobs is not as before after a rollback, one sentence each. Pure. */
export function jobsLeft(before: readonly Job[], back: readonly Job[]): readonly string[] {
  return pairsOf(before, back).flatMap((pair) => {
    if (pair.was === undefined) return [`the scheduled job ${pair.name}, which was not there before, is there`]
    if (pair.is === undefined) return [`the scheduled job ${pair.name} is gone`]
    const [found] = setting(pair)
    return found === undefined ? [] : [`the scheduled job ${pair.name} is another: ${found.evidence.join('; ')}`]
  })
}

function setting({ name, was, is }: JobPair): Finding[] {
  if (was === undefined) return []
  const removed = (title: string): Finding[] =>
    was.active
      ? [{ kind: 'feature.job-removed', object: name, title, evidence: [`it ran at ${was.schedule}, as ${was.user}`] }]
      : []
  if (is === undefined) return removed(`The scheduled job ${name} is gone`)
  if (!is.active) return removed(`The scheduled job ${name} is switched off`)
  const changes = [
    ...(was.active ? [] : ['it was switched off, and is on']),
    ...(was.schedule === is.schedule ? [] : [`it ran at ${was.schedule}, and runs at ${is.schedule}`]),
    ...(was.user === is.user ? [] : [`it ran as ${was.user}, and runs as ${is.user}`]),
    ...(was.command === is.command ? [] : ['it runs another command (not shown, since it may hold keys)']),
  ]
  if (changes.length === 0) return []
  return [
    { kind: 'feature.job-changed', object: name, title: `The scheduled job ${name} is another`, evidence: changes },
  ]
}

/** What is misspelt or not there, in words of SQL: no data and no secret of production's mends it. */
const isWrong = (run: JobRun) => run.state === 'failed' && /^42(?!501)/.test(run.sqlstate)

function outcome({ name, was, is, ran, runs }: Tried): Finding[] {
  if (is === undefined || runs === undefined || runs.state === 'not tried') return []
  const howTo = `its command: select username, command from cron.job where jobid = ${is.id}`
  if (runs.state === 'done') {
    if (ran?.state !== 'done' || ran.rows === 0 || runs.rows > 0) return []
    const title = `The scheduled job ${name} wrote ${count(ran.rows, 'row')} when it was run before, and none after the migrations`
    const idle = 'It may do nothing any more, unless the migrations have done its work already.'
    return [{ kind: 'feature.job-changed', object: name, title, evidence: [idle, howTo] }]
  }
  const why = inWords(runs)
  const fails = (severity: Finding['severity'], title: string, ...evidence: string[]): Finding[] => [
    {
      kind: 'feature.job-fails',
      object: name,
      title,
      evidence: [...evidence, howTo],
      ...(severity === undefined ? {} : { severity }),
    },
  ]
  if (ran?.state === 'done') {
    return fails(undefined, `The scheduled job ${name} ran before, and fails after the migrations: ${why}`)
  }
  if (ran?.state === 'failed' || ran?.state === 'not done') {
    if (ran.state === 'not done' && runs.state === 'not done') return []
    const old = `before: ${inWords(ran)}; a stand-in for an extension, or a secret that the copy lacks, may be why`
    if (inWords(ran) === why)
      return fails('info', `The scheduled job ${name} fails on the copy of production, too: ${why}`, old)
    const title = `The scheduled job ${name} could not be run to its end before, and fails otherwise after the migrations: ${why}`
    return fails(isWrong(runs) && !isWrong(ran) ? undefined : 'warning', title, old)
  }
  if (was?.active) return []
  return fails(
    isWrong(runs) ? undefined : 'warning',
    `The new scheduled job ${name} fails when it is run: ${why}`,
    ...(isWrong(runs) ? [] : ['secrets and rows that are made by hand, after the deploy, may be what it lacks']),
  )
}

function inWords(run: Extract<JobRun, { readonly state: 'failed' | 'not done' }>): string {
  return run.state === 'failed' ? sqlstateInWords(run.sqlstate) : 'not done within its time'
}

/** A host that production asks already is its own affair; one that the migrations bring is new. */
function egress({ name, ran, runs }: Tried): Finding[] {
  const known = new Set(ran?.hosts)
  return (runs?.hosts ?? []).map((host) => ({
    kind: 'egress.attempted',
    object: `database: job ${name}`,
    title: `The scheduled job ${name} asks ${host}; nothing was sent`,
    evidence: [known.has(host) ? 'it does so before the migrations, too' : 'it does so after the migrations alone'],
    ...(known.has(host) ? { severity: 'warning' as const } : {}),
  }))
}

function checkOf(tried: readonly Tried[], findings: readonly Finding[]): Check {
  const ofKind = (wanted: Finding['kind']) =>
    findings.filter(({ kind, severity }) => kind === wanted && severity === undefined).length
  const [removed, failing] = [ofKind('feature.job-removed'), ofKind('feature.job-fails')]
  const run = tried.filter((pair) =>
    [pair.ran, pair.runs].some((one) => one?.state === 'done' || one?.state === 'failed'),
  )
  const left = tried.filter((pair) => whyUntried(pair) !== undefined).length
  const alreadyFailing = tried.filter(({ ran }) => ran?.state === 'failed').length
  const base = {
    id: 'features.jobs',
    metric: 'features',
    title: 'Scheduled jobs run once on both sides',
    required: true,
    numbers: { jobs: tried.length, jobsTried: run.length, jobsRemoved: removed, jobsFailing: failing },
  } as const
  if (tried.length === 0) return { ...base, status: 'passed', summary: 'There is no job of pg_cron, before or after.' }
  const harm = removed + failing > 0
  if (run.length === 0 && left > 0 && !harm) {
    return { ...base, required: false, status: 'not run', reason: 'no job of pg_cron could be run here' }
  }
  const said = [
    `${count(run.length, 'job')} of pg_cron run once on a copy of each side`,
    ...(removed > 0 ? [`${removed} gone or switched off`] : []),
    ...(failing > 0 ? [`${failing} fail after the migrations`] : []),
    ...(alreadyFailing > 0 ? [`${alreadyFailing} fail on the copy of production already`] : []),
    ...(left > 0 ? [`${left} not tried`] : []),
    ...(harm ? [] : ['what ran before runs after the migrations, and none is gone']),
  ]
  return { ...base, status: harm ? 'failed' : 'passed', summary: `${said.join('; ')}.` }
}

/** Why nothing is known of a job's work on a side; undefined where something is on both. */
function whyUntried({ ran, runs }: Tried): string | undefined {
  for (const run of [ran, runs]) {
    if (run?.state === 'not tried') return run.reason
    if (run?.state === 'not done') return `it is not done within ${Math.round(run.limit / 1000)} s`
  }
  return undefined
}

function untriedCheck(tried: readonly Tried[]): Check {
  const base = {
    id: 'features.jobs-not-tried',
    metric: 'features',
    title: 'Scheduled jobs that cannot be run here',
    required: false,
  } as const
  const reasons = tried.flatMap((pair) => {
    const why = whyUntried(pair)
    return why === undefined ? [] : [`${pair.name}: ${why}`]
  })
  return reasons.length === 0
    ? { ...base, status: 'passed', summary: 'There are none.' }
    : { ...base, status: 'not run', reason: reasons.join('; ') }
}

function count(n: number, word: string): string {
  return `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`
}
