import { availableExtensions } from '../database/embedded/available-extensions.ts'
import { embeddedServerVersion } from '../database/embedded/binaries.ts'
import { adminRole } from '../database/engine.ts'
import { extensionFiles } from '../platform/extension-files.ts'
import { platformRoles } from '../platform/platform-roles.ts'
import type { ServerFacts } from './plan.ts'

/** What the embedded server would tell of itself before a restore, without starting it. */
export async function expectedServer(): Promise<{
  readonly facts: ServerFacts
  readonly version: string
  readonly versionNum: number
}> {
  return {
    version: embeddedServerVersion.text,
    versionNum: embeddedServerVersion.num,
    facts: {
      database: 'before',
      extensions: await availableExtensions(extensionFiles),
      roles: new Set(await platformRoles()),
      superusers: new Set([adminRole]),
    },
  }
}
