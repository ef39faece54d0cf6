import { appendFileSync, existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startedCluster } from './database/cluster.ts'
import { connect } from './database/connection.ts'
import { adminRole, type Cluster } from './database/engine.ts'
import { forgetKeptMails, keptMailsFile, keptMailsPage } from './kept-mails/keep.ts'

/** What `--keep` notes beside the reports, so that a suite run can join the databases that were left up. */
type Kept = Pick<
  Cluster,
  'engine' | 'host' | 'port' | 'password' | 'serverVersion' | 'serverVersionNum' | 'location' | 'removal'
> & {
  readonly capabilities: readonly string[]
}

const fileName = 'kept.json'

/** Where `--keep` puts what the stacks wrote while tests failed: for the engineer, since lines of functions may hold anything. */
const failuresFile = 'kept-failures.txt'

/** Adds what was written while a test failed to that of the run; nobody else may read it. */
export function keepFailure(folder: string, text: string): void {
  if (text !== '') appendFileSync(join(folder, failuresFile), text, { mode: 0o600 })
}

/** Takes what an earlier run kept beside its reports away: mails, and what was written while tests failed. */
export async function forgetKept(folder: string): Promise<void> {
  await forgetKeptMails(folder)
  await rm(join(folder, failuresFile), { force: true })
}

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
  const files = [
    ...(mails ? [[keptMailsPage, 'the mails that the suites sent, for a browser'] as const] : []),
    ...(mails ? [[keptMailsFile, 'the mails that the suites sent, one a line'] as const] : []),
    ...(existsSync(join(folder, failuresFile))
      ? [[failuresFile, 'what functions, Auth and the Data API wrote while tests failed'] as const]
      : []),
  ].map(([name, what]) => ({ path: join(folder, name), what }))
  return [
    '  Kept, as asked:',
    `    psql "${cluster.database('before').url()}"    (production as it was)`,
    `    psql "${cluster.database('after').url()}"    (with the migrations)`,
    '    npx vitest --project after    runs suites against them',
    ...files.map(({ path, what }) => `    ${path}    (${what})`),
    `  Remove it with: ${[cluster.removal, ...(files.length > 0 ? [`rm -f ${files.map(({ path }) => shellWord(path)).join(' ')}`] : [])].join('; ')}`,
    '',
  ].join('\n')
}

function shellWord(text: string): string {
  return /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
