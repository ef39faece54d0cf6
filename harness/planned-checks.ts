import type { Inputs } from './inputs.ts'
import type { Check } from './model/check.ts'
import type { MetricName } from './model/finding.ts'

/** Every check that a rehearsal plans to make, as it stands before anything ran. Stages overwrite them by id. */
export function plannedChecks({
  functions,
  rollback,
  canaries,
  mask,
  capture,
  options,
}: Pick<Inputs, 'functions' | 'rollback' | 'canaries' | 'mask' | 'capture' | 'options'>): Check[] {
  const plan = (id: string, metric: MetricName, title: string, required = true): Check => ({
    id,
    metric,
    title,
    required,
    status: 'not run',
    reason: 'the run ended before it',
  })
  return [
    plan('restore.entries', 'data', 'Every entry of the dump accounted for'),
    plan('restore.rows', 'data', 'Every row of the dump loaded'),
    ...(capture === undefined ? [] : [plan('restore.capture', 'data', 'The copy is production as it was captured')]),
    ...(mask === undefined ? [] : [plan('restore.masked', 'data', 'Personal data masked on its way into the copy')]),
    plan('migrations.applied', 'features', 'Every pending migration applies'),
    plan('performance.traffic', 'performance', 'Requests sent while the migrations ran'),
    plan('migrations.cut-off', 'data', 'The deploy cut off after every statement'),
    plan('migrations.again', 'data', 'The migrations applied twice', false),
    plan('performance.locks', 'performance', 'Locks of the migrations timed'),
    plan('data.schema', 'data', 'Schemas compared'),
    ...(options.config.development === undefined
      ? []
      : [plan('schema.development', 'features', 'Production after the migrations held against development', false)]),
    plan('features.api', 'features', 'What the Data API offers compared'),
    plan('features.description', 'features', "The Data API's own description compared"),
    plan(
      'features.reads',
      'features',
      'The reads of the contract compared',
      Boolean(options.config.contracts?.reads?.length),
    ),
    plan(
      'features.recipients',
      'features',
      'Who is mailed about what compared',
      Boolean(options.config.contracts?.notifications),
    ),
    plan('data.ledger', 'data', 'Every row of every table compared'),
    plan('data.corruption', 'data', 'Pages of tables and indexes verified'),
    plan('dates.instants', 'data', 'Every date and time of every row compared'),
    plan('dates.zones', 'data', 'Time zones of sessions compared'),
    plan('data.orphans', 'data', 'References that point nowhere counted'),
    plan('data.sequences', 'data', 'Sequences held against the values they feed'),
    plan('data.views', 'data', 'Views that were redefined read with both definitions'),
    plan('logins.users-read', 'logins', 'Every account, identity and session compared'),
    plan('logins.real', 'logins', 'Users of every kind really logged in'),
    plan('logins.canaries', 'logins', 'The canaries logged in with their passwords', canaries.length > 0),
    plan('logins.not-tried', 'logins', 'Logins that this Auth server cannot make', false),
    plan('logins.sign-up', 'logins', 'Sign-up and login writes tried on a clone'),
    plan('access.roles', 'access', 'What the roles may do compared'),
    plan('access.functions', 'access', "What functions with their owner's rights tell"),
    plan('access.row-sets', 'access', 'What sampled users see and may change compared'),
    plan('access.everyone', 'access', 'What every user sees and may change, compared', false),
    plan('access.writes', 'access', 'Writes of sampled users tried for real'),
    plan('features.jobs', 'features', 'Scheduled jobs run once on both sides'),
    plan('features.jobs-not-tried', 'features', 'Scheduled jobs that cannot be run here', false),
    plan('features.functions', 'features', 'Every edge function loads', functions.length > 0),
    plan('features.egress', 'features', 'Nothing left the machine', functions.length > 0),
    plan('features.mail', 'features', 'Mails are well formed', functions.length > 0),
    ...(options.liveMail === undefined
      ? []
      : [plan('features.live-mail', 'features', 'Resend answers as its double does')]),
    plan('access.secrets', 'access', 'Mails and logs of functions hold no secret', functions.length > 0),
    plan('performance.queries', 'performance', 'Reads of real users measured on both sides'),
    ...(capture?.queries?.length
      ? [plan('performance.captured', 'performance', 'The costliest queries of production, asked on both sides', false)]
      : []),
    plan('performance.storage', 'performance', 'What tables and indexes take on both sides', false),
    plan('rollback.applied', 'data', 'The rollback scripts run', rollback !== undefined),
    plan('rollback.complete', 'data', 'After the rollback everything is as before', false),
    plan('rollback.policies', 'data', 'Policies, grants and row security after the rollback', false),
    plan('rollback.access', 'data', 'After the rollback users reach what they reached before', false),
    plan('rollback.added-rows', 'data', 'Rows that the migrations added, after the rollback', false),
    plan('rollback.new-data', 'data', 'New data after the rollback', false),
    plan('rollback.restore', 'data', 'The time that restoring the backup takes', false),
  ]
}
