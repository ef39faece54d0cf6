import { extensionFiles } from '../platform/extension-files.ts'
import { embeddedEngine } from './embedded/engine.ts'
import type { Cluster } from './engine.ts'

/**
 * An embedded cluster for tests, with the platform's stub extensions: `await using cluster = await startTestCluster()`.
 * `databaseBytes`: how large its databases become, as of an engine.
 */
export function startTestCluster(databaseBytes?: number): Promise<Cluster> {
  return embeddedEngine.start({ extensionFiles, ...(databaseBytes === undefined ? {} : { databaseBytes }) })
}
