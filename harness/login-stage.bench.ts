import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, test } from 'vitest'
import { cloner } from './clones.ts'
import type { Cluster, Database } from './database/engine.ts'
import { startTestCluster } from './database/test-cluster.ts'
import { readDump } from './dump/read-dump.ts'
import { restore } from './dump/restore.ts'
import { loginsOn } from './login-stage.ts'
import { preparePlatform } from './platform/prepare.ts'
import { administer } from './snapshot/access/test-project.ts'
import type { SideLogins } from './snapshot/logins/real/outcome.ts'
import { type Picked, pickLogins } from './snapshot/logins/real/pick.ts'

/**
 * Logins a second through supabase-js, gateway, Auth and Data API on the reference app. By one-time link: ask, mail,
 * verify, read the user, refresh, read the own row, sign out. By password: the same without link and row, at bcrypt
 * cost 4, since at cost 10 it is the hash that takes the time. The start of the stack is not counted.
 */
const signal = new AbortController().signal
const clone = cloner()
const password = 'correct horse battery'
let cluster: Cluster
let before: Database
let picked: Picked

beforeAll(async () => {
  cluster = await startTestCluster()
  before = await cluster.createDatabase('before')
  await preparePlatform(before, { signal })
  const dump = fileURLToPath(new URL('../fixtures/planner/production.dump', import.meta.url))
  await restore(await readDump(dump, { signal }), before, { signal })
  picked = (await pickLogins(before, { seed: 1, usersPerKind: 2, logins: 400 })) ?? { users: [], of: 0 }
  const ids = picked.users.map(({ id }) => `'${id}'`).join(', ')
  await administer(
    before,
    `update auth.users set encrypted_password = extensions.crypt('${password}', extensions.gen_salt('bf', 4)) where id in (${ids});
     analyze auth.users`,
  )
})
afterAll(() => cluster.stop())

/** With the CPU time of this process, which says more than the rate where the machine has other work. */
function tell(way: string, { milliseconds }: SideLogins, logins: number, since: NodeJS.CpuUsage): void {
  const { user, system } = process.cpuUsage(since)
  const cpu = ((user + system) / 1000 / logins).toFixed(1)
  const rate = ((logins / milliseconds) * 1000).toFixed(1)
  console.log(`${way}: ${logins} logins, ${rate} a second on one side, ${cpu} ms of CPU each in this process`)
}

test('by one-time link', async () => {
  const cpu = process.cpuUsage()
  const logins = await loginsOn(before, { users: picked.users, canaries: [] }, { clone, signal })
  tell('one-time link', logins, logins.users.size, cpu)
}, 300_000)

test('by password', async () => {
  const cpu = process.cpuUsage()
  const canaries = picked.users.filter(({ email }) => email !== '').map(({ email }) => ({ email, password }))
  const logins = await loginsOn(before, { users: [], canaries }, { clone, signal })
  tell('password, cost 4', logins, logins.canaries.length, cpu)
}, 300_000)

test('by one-time link, both sides at once', async () => {
  const started = performance.now()
  const who = { users: picked.users, canaries: [] }
  const both = await Promise.all([loginsOn(before, who, { clone, signal }), loginsOn(before, who, { clone, signal })])
  const logins = both.reduce((sum, { users }) => sum + users.size, 0)
  const elapsed = performance.now() - started
  console.log(
    `both sides: ${logins} logins, ${((logins / elapsed) * 1000).toFixed(1)} a second with the start of two stacks`,
  )
}, 300_000)
