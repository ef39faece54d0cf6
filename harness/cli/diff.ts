import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { loadConfig } from '../config/load.ts'
import { embeddedEngine } from '../database/embedded/engine.ts'
import { takeDevelopment, tried } from '../development.ts'
import { readDump } from '../dump/read-dump.ts'
import { restore } from '../dump/restore.ts'
import { checkServerVersion } from '../dump/server-version.ts'
import { HarnessError, messageOf } from '../errors.ts'
import { extensionFiles } from '../platform/extension-files.ts'
import { preparePlatform } from '../platform/prepare.ts'
import { extractFacts } from '../snapshot/schema/delta.ts'
import { type DevelopmentDifference, developmentDifferences } from '../snapshot/schema/development.ts'
import { additivePart } from '../snapshot/schema/emit.ts'

/** The flags of `greenlight diff`. */
export type DiffFlags = {
  readonly dev?: string
  readonly dump?: readonly string[]
  readonly config?: string
  readonly emit?: string
}

/** How much larger a database is than its compressed archive; decides where it is put, no more. */
const unpackedRatio = 12

/**
 * `greenlight diff`: what production (a dump) lacks, has too much or has otherwise than development. With `emit` it writes
 * the part that only adds as a migration, each statement of which was tried on the copy. Hands back what to tell, and
 * whether the two are the same. Throws `usage.invalid`, what reading either side throws, and `aborted`.
 */
export async function diffCommand(
  flags: DiffFlags,
  cwd: string,
  signal: AbortSignal,
): Promise<{ readonly text: string; readonly same: boolean }> {
  const { config } = await loadConfig(flags.config, cwd)
  const path = (value: string) => (value === '-' || /^postgres(ql)?:\/\//.test(value) ? value : resolve(cwd, value))
  const development = flags.dev === undefined ? config.development : path(flags.dev)
  const dumps = flags.dump?.map(path) ?? (typeof config.dump === 'string' ? [config.dump] : (config.dump ?? []))
  const complaints = [
    ...(development === undefined ? ['no development: name it with --dev, or as "development" in the config'] : []),
    ...(dumps.length === 0 ? ['no production: name its dump with --dump, or as "dump" in the config'] : []),
  ]
  if (development === undefined || complaints.length > 0) {
    throw new HarnessError(
      'usage.invalid',
      `Nothing to compare:\n${complaints.map((line) => `  - ${line}`).join('\n')}`,
    )
  }
  await using dump = await readDump(dumps, { signal })
  checkServerVersion(dump, embeddedEngine.serverVersionNum ?? 0)
  const databaseBytes = dump.facts.bytes * unpackedRatio
  await using cluster = await embeddedEngine.start({ signal, extensionFiles, databaseBytes })
  const facts = await takeDevelopment(development, cluster, signal)
  const production = await cluster.createDatabase('production')
  await preparePlatform(production, { signal })
  await restore(dump, production, { signal })
  const old = await extractFacts(production)
  const differences = developmentDifferences(old, facts)
  const lines = [...told(differences)]
  if (flags.emit !== undefined) {
    const { migration, emitted } = await tried(production, additivePart(old, facts))
    const left = emitted.filter(({ leftOut }) => leftOut !== undefined).length
    if (migration === '') lines.push('Nothing only adds: no migration was written.')
    else {
      const target = resolve(cwd, flags.emit)
      await writeFile(target, migration, { flag: 'wx' }).catch((cause) => {
        throw new HarnessError('usage.invalid', `${target} cannot be written: ${messageOf(cause)}`, { cause })
      })
      lines.push(
        `Wrote ${target}: ${emitted.length - left} statements that only add; ${left} are left out, as comments with the reason.`,
      )
    }
  }
  return { text: `${lines.join('\n')}\n`, same: differences.length === 0 }
}

/** The differences as text for a terminal, by side and object. Pure. */
export function told(differences: readonly DevelopmentDifference[]): readonly string[] {
  if (differences.length === 0) return ['Production and development have the same schema.']
  const titles = {
    missing: 'Development has, and production lacks',
    extra: 'Production has, and development does not',
    different: 'Different',
  } as const
  const classes = { additive: 'only adds', altering: 'changes', destructive: 'takes away' } as const
  return (['missing', 'extra', 'different'] as const).flatMap((side) => {
    const own = differences.filter((one) => one.side === side)
    if (own.length === 0) return []
    const objects = [...Map.groupBy(own, ({ object }) => object)]
    return [
      `${titles[side]} (${own.length}):`,
      ...objects.flatMap(([object, parts]) => [
        `  ${object}`,
        ...parts.map((part) => `    ${part.what} [${classes[part.class]}]`),
      ]),
    ]
  })
}
