import { HarnessError, throwIfAborted } from '../../errors.ts'
import { startedCluster } from '../cluster.ts'
import type { Engine } from '../engine.ts'
import { cachedBinaries, embeddedServerVersion, hasPackagedServer } from './binaries.ts'
import { type Server, startServer } from './server.ts'
import { serverUser } from './server-user.ts'
import { makeWorkspace, sweepAbandoned, workspaceRoot } from './workspace.ts'

const offers = ['template-clones', 'extension-files', 'superuser', 'settings', 'statement-statistics'] as const

/** A real Postgres server from npm, on a loopback port, in a folder that goes away with it. No Docker, no root needed. */
export const embeddedEngine: Engine = {
  name: 'embedded',
  offers,
  serverVersionNum: embeddedServerVersion.num,
  async available() {
    if (await hasPackagedServer()) return { ok: true }
    return {
      ok: false,
      reason: `npm has no embedded server installed for ${process.platform}-${process.arch}: run npm install without --omit=optional.`,
    }
  },
  async start({ signal, extensionFiles, keep = false, port, databaseBytes }) {
    throwIfAborted(signal, 'starting the database server')
    const user = serverUser()
    const binaries = await cachedBinaries(extensionFiles)
    await sweepAbandoned()
    const workspace = await makeWorkspace(await workspaceRoot(databaseBytes), user)
    let server: Server
    try {
      server = await startServer(binaries, workspace, { user, signal, keep, port })
    } catch (error) {
      await workspace.remove()
      throw error instanceof HarnessError
        ? error
        : new HarnessError(
            'engine.start-failed',
            `The embedded Postgres did not start: ${error instanceof Error ? error.message : error}`,
            { cause: error },
          )
    }
    // Last resort, when the process ends without disposal: the server must not outlive it.
    const atExit = () => {
      server.kill()
      workspace.removeNow()
    }
    process.once('exit', atExit)
    return startedCluster(
      {
        engine: 'embedded',
        capabilities: offers,
        serverVersion: embeddedServerVersion.text,
        serverVersionNum: embeddedServerVersion.num,
        host: '127.0.0.1',
        port: server.port,
        password: server.password,
        location: workspace.path,
        removal: `kill $(head -1 ${workspace.data}/postmaster.pid); rm -r ${workspace.path}`,
      },
      async () => {
        process.off('exit', atExit)
        await server.stop()
        await workspace.remove()
      },
      async () => {
        await workspace.keep()
        process.off('exit', atExit)
      },
    )
  },
}
