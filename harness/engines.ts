import { containerEngine } from './database/container/engine.ts'
import { embeddedEngine } from './database/embedded/engine.ts'
import type { Engine } from './database/engine.ts'
import { urlEngine } from './database/url/engine.ts'
import type { EngineName } from './model/config.ts'

/** Every engine there is, the default first. */
export const engines: Readonly<Record<EngineName, Engine>> = {
  embedded: embeddedEngine,
  container: containerEngine,
  url: urlEngine,
}
