import type { Connection } from '../../database/engine.ts'
import type { Job } from './facts.ts'

/** The jobs of pg_cron, by name; none where it is not there. Throws `database.failed`. */
export async function takeJobs(session: Connection): Promise<readonly Job[]> {
  const { rows: tables } = await session.query<{ present: boolean }>(
    `select to_regclass('cron.job') is not null as present`,
  )
  if (!tables[0]?.present) return []
  const { rows } = await session.query<Omit<Job, 'name' | 'isNamed'> & { jobname: string | null; alike: boolean }>(
    `select jobid::int as id, nullif(jobname, '') as jobname, schedule, command, username::text as user,
       database::text as database, active, count(*) over (partition by jobname) > 1 as alike from cron.job order by jobid`,
  )
  return rows
    .map(({ jobname, alike, ...job }) => ({
      ...job,
      isNamed: jobname !== null,
      name: jobname === null ? `job-${job.id}` : quoted(alike ? `${jobname} of ${job.user}` : jobname),
    }))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
}

/** As an expectation writes it. */
function quoted(name: string): string {
  return /^[^\s()"]+$/.test(name) ? name : `"${name.replaceAll('"', "'")}"`
}
