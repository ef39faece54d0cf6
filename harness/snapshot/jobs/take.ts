import type { Connection } from '../../database/engine.ts'
import type { Job } from './facts.ts'

/** The jobs of pg_cron, by name; none where it is not there. Throws `database.failed`. */
export async function takeJobs(session: Pick<Connection, 'query'>): Promise<readonly Job[]> {
  const { rows: tables } = await session.query<{ present: boolean }>(
    `select to_regclass('cron.job') is not null as present`,
  )
  if (!tables[0]?.present) return []
  const { rows } = await session.query<Omit<Job, 'name' | 'jobname'> & { jobname: string | null; alike: boolean }>(
    `select jobid::int as id, nullif(jobname, '') as jobname, schedule, command, username::text as user,
       database::text as database, active, count(*) over (partition by jobname) > 1 as alike from cron.job order by jobid`,
  )
  return rows
    .map(({ jobname, alike, ...job }) => ({
      ...job,
      jobname: jobname ?? undefined,
      name: jobname === null ? `job-${job.id}` : asDeclared(alike ? `${jobname} of ${job.user}` : jobname),
    }))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
}

/** In quotes unless an expectation can be read without them. */
function asDeclared(name: string): string {
  const isPlain = /^\w+(-\w+)*$/.test(name) && !/\b(to|where|because)\b/i.test(name)
  return isPlain ? name : `"${name.replaceAll('"', "'").replace(/\s+/g, ' ')}"`
}
