import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startedCluster } from './database/cluster.ts'
import { connect } from './database/connection.ts'
import { adminRole, type Cluster } from './database/engine.ts'
import { keptMailsFile, keptMailsPage } from './kept-mails/keep.ts'

/** What `--keep` notes beside the reports, so that a suite run can join the databases that were left up. */
type Kept = Pick<
  Cluster,
  'engine' | 'host' | 'port' | 'password' | 'serverVersion' | 'serverVersionNum' | 'location' | 'removal'
> & {
  readonly capabilities: readonly string[]
}

const fileName = 'kept.json'

/** Notes a cluster that will outlive this process. The file holds its password: 0600. */
export async function noteKept(folder: string, cluster: Cluster): Promise<void> {
  const { engine, host, port, password, serverVersion, serverVersionNum, location, removal, capabilities } = cluster
  const kept: Kept = {
    engine,
    host,
    port,
    password,
    serverVersion,
    serverVersionNum,
    location,
    removal,
    capabilities: [...capabilities],
  }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await rm(join(folder, fileName), { force: true })
  await writeFile(join(folder, fileName), `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 })
}

/** The cluster that the last `--keep` left up, when it still runs and has both sides. Stopping it from here does nothing. */
export async function joinKept(folder: string): Promise<Cluster | undefined> {
  const text = await readFile(join(folder, fileName), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const kept: Kept = JSON.parse(text)
  const cluster = startedCluster(
    { ...kept, capabilities: ['template-clones', 'superuser', 'settings'] },
    async () => {},
  )
  for (const database of ['before', 'after']) {
    const session = await connect({ ...cluster.database(database).config(adminRole) }).catch(() => undefined)
    if (session === undefined) return undefined
    await session.end()
  }
  return cluster
}

/** How a person reaches and removes what was kept, for the terminal. `mails`: whether any were kept. */
export function keptAdvice(cluster: Cluster, folder: string, mails: boolean): string {
  const files = mails ? [keptMailsPage, keptMailsFile].map((name) => join(folder, name)) : []
  return [
    '  Kept, as asked:',
    `    psql "${cluster.database('before').url()}"    (production as it was)`,
    `    psql "${cluster.database('after').url()}"    (with the migrations)`,
    '    npx vitest --project after    runs suites against them',
    ...files.map(
      (path, index) => `    ${path}    (the mails that the suites sent, ${['for a browser', 'one a line'][index]})`,
    ),
    `  Remove it with: ${[cluster.removal, ...(mails ? [`rm -f ${files.join(' ')}`] : [])].join('; ')}`,
    '',
  ].join('\n')
}
