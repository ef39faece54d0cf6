export const cleanup = 'delete from log where at < now() - interval $$1 day$$'
/** SQL that schedules a job, as the role that runs it. */
export const schedule = (name: string, command: string, at = '15 3 * * *') =>
  `select cron.schedule('${name}', '${at}', '${command}');`
/** SQL that runs as the superuser within what the project's owner does. */
export const asAdmin = (sql: string) => `reset session authorization; ${sql} set session authorization postgres;`

/** A migration, what must be told of it, and what production has besides. */
export const cases: Readonly<Record<string, readonly [sql: string, told: readonly string[], setUp?: string]>> = {
  'nothing that a job knows of': ['alter table log add column note text', []],
  'a job that is taken away': [`select cron.unschedule('nightly-cleanup')`, ['feature.job-removed nightly-cleanup']],
  'a job that is switched off': [
    asAdmin(`select cron.alter_job(jobid, active := false) from cron.job where jobname = 'touch';`),
    ['feature.job-removed touch'],
  ],
  'a job that was switched off, and is taken away': [
    `select cron.unschedule('old')`,
    [],
    `${schedule('old', 'select 1')} ${asAdmin(`update cron.job set active = false where jobname = 'old';`)}`,
  ],
  'a job that is scheduled anew as it was': [
    `select cron.unschedule('touch'); ${schedule('touch', 'select touch()')}`,
    [],
  ],
  'a job without a name that is scheduled anew as it was': [
    `select cron.unschedule(jobid) from cron.job where jobname is null; select cron.schedule('0 4 * * *', 'delete from hits where n > 5')`,
    [],
  ],
  'a job without a name that is taken away': [
    `select cron.unschedule(jobid) from cron.job where jobname is null`,
    ['feature.job-removed job-3'],
  ],
  'another schedule': [schedule('touch', 'select touch()', '@monthly'), ['feature.job-changed touch']],
  'another command': [schedule('touch', 'insert into hits values (2)'), ['feature.job-changed touch']],
  'a table that a job cleans under another name': [
    'alter table log rename to logs',
    ['feature.job-fails nightly-cleanup 42P01'],
  ],
  'a table under another name, and the job with it': [
    `alter table log rename to logs; ${schedule('nightly-cleanup', cleanup.replace('from log', 'from logs'))}`,
    ['feature.job-changed nightly-cleanup'],
  ],
  'a function that a job calls, which now fails': [
    `create or replace function touch() returns void language plpgsql as 'begin insert into hits values (1, 2); end'`,
    ['feature.job-fails touch 42601'],
  ],
  'a right of its user that is taken away': [
    asAdmin('alter table log owner to supabase_admin;'),
    ['feature.job-fails nightly-cleanup 42501'],
  ],
  'row security that hides from a job what it cleans': [
    asAdmin(
      'alter table log owner to supabase_admin; alter table log enable row level security; alter role postgres nobypassrls;',
    ) + asAdmin('grant select, delete on log to postgres;'),
    ['feature.job-changed nightly-cleanup'],
  ],
  'rows that are cleaned already': ['delete from log', ['feature.job-changed nightly-cleanup']],
  'a function that a job calls, which does nothing any more': [
    `create or replace function touch() returns void language sql as ''`,
    ['feature.job-changed touch'],
  ],
  'half of the rows that a job cleans': ['delete from log where id > 5', []],
  'a job that fails before as well': [
    'select 1',
    ['feature.job-fails broken info 42P01'],
    schedule('broken', 'delete from nowhere'),
  ],
  'a job that fails before and fails otherwise after': [
    'create table nowhere (id int not null)',
    ['feature.job-fails broken warning 23502'],
    schedule('broken', 'insert into nowhere values (null)'),
  ],
  'a table that is gone, of a job that lacks a secret here': [
    'drop table hits',
    ['feature.job-fails broken 42P01', 'feature.job-fails job-3 42P01', 'feature.job-fails touch 42P01'],
    schedule('broken', 'insert into hits values (1); select net.http_post(url := (select null::text))'),
  ],
  'a job of another user by the name of one that is there': [
    schedule('shared', 'select 1'),
    [],
    asAdmin(schedule('shared', 'select 1')),
  ],
  'one of two jobs by one name that is taken away': [
    `select cron.unschedule('shared')`,
    ['feature.job-removed "shared of postgres"'],
    `${schedule('shared', 'select 1')} ${asAdmin(schedule('shared', 'select 1'))}`,
  ],
  'a job that changes hands': [
    asAdmin(`update cron.job set username = 'supabase_read_only_user' where jobname = 'touch';`),
    ['feature.job-changed touch', 'feature.job-fails touch 25006'],
  ],
  'a job that takes long': ['select 1', [], schedule('slow', 'select pg_sleep(20)')],
  'a job that takes long, whatever it says': [
    'select 1',
    [],
    schedule('slow', 'set statement_timeout = 0; select pg_sleep(20)'),
  ],
  'a job that took long, and cannot run any more': [
    'drop table things',
    ['feature.job-fails slow 42P01'],
    `create table things (); ${schedule('slow', 'select pg_sleep(20) from (select count(*) from things) t')}`,
  ],
  'a job that takes long from now on': [
    schedule('touch', 'select touch(), pg_sleep(20)'),
    ['feature.job-changed touch', 'feature.job-fails touch'],
  ],
  'a job that would become superuser': [
    'select 1',
    ['feature.job-fails sly info 42501'],
    schedule('sly', `reset session authorization; reset role; copy (select 1) to program $$true$$`),
  ],
  'a job that ends its own session': ['select 1', [], schedule('mad', `select pg_terminate_backend(pg_backend_pid())`)],
  'a job that fails before and runs after': ['create table nowhere ()', [], schedule('broken', 'delete from nowhere')],
  'a new job that runs': [schedule('new', 'select touch()'), []],
  'a new job with a function that is not there': [schedule('new', 'select nothing()'), ['feature.job-fails new 42883']],
  'a new job without the secret that it needs': [
    schedule('new', 'select net.http_post(url := (select null::text))'),
    ['feature.job-fails new warning 23502'],
  ],
  'a new job that asks the project': [
    schedule('new', `select net.http_post(url := $$https://abcd.supabase.co/functions/v1/tick?key=s3cret$$)`),
    [],
  ],
  'a new job that asks another host': [
    schedule('new', `select net.http_get($$https://ping.example/s3cret$$)`),
    ['egress.attempted database: job new'],
  ],
  'a host that production’s job asks already': [
    'select 1',
    ['egress.attempted database: job ping warning'],
    schedule('ping', `select net.http_get($$https://ping.example/s3cret$$)`),
  ],
  'a job that vacuums, which no transaction does': ['select 1', [], schedule('vacuum', 'vacuum log')],
  'names that an expectation reads only in quotes': [
    `select cron.unschedule(jobid) from cron.job where jobname ~ 'odd'`,
    ['feature.job-removed "odd to-archive"', `feature.job-removed "odd''s -- one"`],
    `select cron.schedule('odd to-archive', '0 0 * * *', 'select 1'); select cron.schedule('odd''''s -- one', '0 0 * * *', 'select 1');`,
  ],
  'a name that needs quotes': [
    `select cron.unschedule('clean up (all)')`,
    ['feature.job-removed "clean up (all)"'],
    schedule('clean up (all)', 'select 1'),
  ],
}
