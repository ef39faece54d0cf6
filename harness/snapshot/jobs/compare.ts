import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import { sqlstateInWords } from '../access/sqlstates.ts'
import type { Job, JobRun, SideJobs } from './facts.ts'

type Pair = { readonly name: string; readonly was?: Job | undefined; readonly is?: Job | undefined }
type Runs = { readonly was?: JobRun | undefined; readonly is?: JobRun | undefined }

/** Scheduled jobs on both sides: which are gone or changed, and which no longer do what they did. Pure. */
export function compareJobs(before: SideJobs, after: SideJobs): { findings: Finding[]; checks: Check[] } {
  const pairs = pairsOf(before.jobs, after.jobs)
  const findings = pairs.flatMap((pair) => {
    const runs = {
      was: pair.was && before.runs.get(pair.was.name),
      is: pair.is && after.runs.get(pair.is.name),
    }
    return [...setting(pair), ...outcome(pair, runs), ...egress(pair.name, runs)]
  })
  return { findings, checks: checksOf(pairs, before, after, findings) }
}

/** By name; one without a name is the same where its number or its command is. */
function pairsOf(before: readonly Job[], after: readonly Job[]): readonly Pair[] {
  const left = [...after]
  const take = (fits: (job: Job) => boolean): Job | undefined => {
    const at = left.findIndex(fits)
    return at < 0 ? undefined : left.splice(at, 1)[0]
  }
  const byName = before.map((was): Pair => ({ name: was.name, was, is: take(({ name }) => name === was.name) }))
  const pairs = byName.map((pair): Pair => {
    const { was, is } = pair
    if (was === undefined || was.isNamed || is !== undefined) return pair
    return { ...pair, is: take(({ isNamed, command }) => !isNamed && command === was.command) }
  })
  return [...pairs, ...left.map((is): Pair => ({ name: is.name, is }))]
}

/** What of the jobs is not as before after a rollback, one sentence each. Pure. */
export function jobsLeft(before: readonly Job[], back: readonly Job[]): readonly string[] {
  return pairsOf(before, back).flatMap((pair) => {
    if (pair.was === undefined) return [`the scheduled job ${pair.name}, which was not there before, is there`]
    const [found] = setting(pair)
    return found === undefined ? [] : [[lowerFirst(found.title), ...found.evidence].join(': ')]
  })
}

function lowerFirst(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`
}

function setting({ name, was, is }: Pair): Finding[] {
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

function outcome({ name, was: old, is: job }: Pair, { was, is }: Runs): Finding[] {
  if (job === undefined || is === undefined || is.state === 'not tried') return []
  const idle = 'It may do nothing any more, unless the migrations have done its work already.'
  if (is.state === 'done') {
    if (was?.state !== 'done' || was.rows === 0 || is.rows > 0) return []
    const title = `The scheduled job ${name} wrote ${count(was.rows, 'row')} when it was run before, and none after the migrations`
    return [{ kind: 'feature.job-changed', object: name, title, evidence: [idle, ...howTo(name)] }]
  }
  const why = sqlstateInWords(is.sqlstate)
  const fails = (severity: Finding['severity'], title: string, ...evidence: string[]): Finding[] => [
    {
      kind: 'feature.job-fails',
      object: name,
      title,
      evidence: [...evidence, ...howTo(name)],
      ...(severity === undefined ? {} : { severity }),
    },
  ]
  if (was?.state === 'done') {
    return fails(undefined, `The scheduled job ${name} ran before, and fails after the migrations: ${why}`)
  }
  if (was?.state === 'failed') {
    const same = `before: ${sqlstateInWords(was.sqlstate)}; a stand-in for an extension, or a secret that the copy lacks, may be why`
    return fails('info', `The scheduled job ${name} fails on the copy of production, too: ${why}`, same)
  }
  if (old?.active) return []
  // What is misspelt or not there is so in production; what data or secrets are missing may come by hand.
  const isWrong = /^42(?!501)/.test(is.sqlstate)
  return fails(
    isWrong ? undefined : 'warning',
    `The new scheduled job ${name} fails when it is run: ${why}`,
    ...(isWrong ? [] : ['secrets and rows that are made by hand, after the deploy, may be what it lacks']),
  )
}

function howTo(name: string): string[] {
  return [`its command: select username, command from cron.job where jobname = '${name.replaceAll("'", "''")}'`]
}

/** A host that production asks already is its own affair; one that the migrations bring is new. */
function egress(name: string, { was, is }: Runs): Finding[] {
  const known = new Set(was?.hosts)
  return (is?.hosts ?? []).map((host) => ({
    kind: 'egress.attempted',
    object: `database: job ${name}`,
    title: `The scheduled job ${name} asks ${host}; nothing was sent`,
    evidence: [known.has(host) ? 'it does so before the migrations, too' : 'it does so after the migrations alone'],
    ...(known.has(host) ? { severity: 'warning' as const } : {}),
  }))
}

function checksOf(pairs: readonly Pair[], before: SideJobs, after: SideJobs, findings: readonly Finding[]): Check[] {
  const tried = pairs.filter(({ was, is }) =>
    [was && before.runs.get(was.name), is && after.runs.get(is.name)].some((run) => run && run.state !== 'not tried'),
  )
  const untried = [...after.runs, ...before.runs].flatMap(([name, run]) =>
    run.state === 'not tried' ? [[name, run.reason] as const] : [],
  )
  const harm = findings.filter(({ kind, severity }) => /^feature\.job-(removed|fails)$/.test(kind) && !severity)
  const removed = harm.filter(({ kind }) => kind === 'feature.job-removed').length
  const failing = harm.length - removed
  const said = [
    `${count(tried.length, 'job')} of pg_cron run once on a copy of each side`,
    ...(removed > 0 ? [`${removed} gone or switched off`] : []),
    ...(failing > 0 ? [`${failing} fail after the migrations`] : []),
    ...(harm.length === 0 ? ['each is still there, and runs after the migrations where it ran before'] : []),
  ]
  const reasons = [...new Map(untried)].map(([name, reason]) => `${name}: ${reason}`)
  return [
    {
      id: 'features.jobs',
      metric: 'features',
      title: 'Scheduled jobs run once on both sides',
      required: true,
      status: harm.length === 0 ? 'passed' : 'failed',
      summary: pairs.length === 0 ? 'There is no job of pg_cron, before or after.' : `${said.join('; ')}.`,
      numbers: { jobs: pairs.length, jobsTried: tried.length, jobsRemoved: removed, jobsFailing: failing },
    },
    {
      id: 'features.jobs-not-tried',
      metric: 'features',
      title: 'Scheduled jobs that cannot be run here',
      required: false,
      ...(reasons.length === 0
        ? { status: 'passed' as const, summary: 'There are none.' }
        : { status: 'not run' as const, reason: reasons.join('; ') }),
    },
  ]
}

function count(n: number, word: string): string {
  return `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`
}
