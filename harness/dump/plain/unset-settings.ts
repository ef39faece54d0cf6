import { platformSchemas } from '../../model/platform-schemas.ts'
import type { NotInDump } from '../../model/restore-run.ts'
import type { TocEntry } from '../dump.ts'

const read = /\bcurrent_setting\(\s*'(\w+(?:\.[\w-]+)+)'/gi
/** The Data API sets these for each request. */
const setByTheApi = /^(request|pgrst)\./i

/**
 * Pure: settings that the app reads, and that this script sets nowhere. A script of psql holds no settings of the
 * database itself, unless it was taken with --create: pg_dumpall leaves out those of `postgres`, and the platform's CLI all.
 */
export function unsetSettings(entries: readonly TocEntry[], database: string): readonly NotInDump[] {
  const isWithThem = ({ type, name, definition }: TocEntry) =>
    name === database &&
    (type === 'DATABASE' || (type === 'DATABASE PROPERTIES' && /^ALTER DATABASE/m.test(definition)))
  if (entries.some(isWithThem)) return []
  const own = entries.filter(({ schema }) => schema !== undefined && !platformSchemas.includes(schema))
  const reads = own.flatMap(({ schema, name, definition }) =>
    [...definition.matchAll(read)].map(([, setting = '']) => ({ setting, by: `${schema}.${name}` })),
  )
  const bySetting = Map.groupBy(reads, ({ setting }) => setting)
  const unset = [...bySetting].filter(
    ([setting]) => !setByTheApi.test(setting) && !entries.some((entry) => sets(entry, setting)),
  )
  if (unset.length === 0) return []
  return [
    {
      object: 'settings of the database',
      title: `What is read by current_setting is set nowhere in the dump: ${unset.map(([setting]) => setting).join(', ')}. What reads it may work in another way here than in production.`,
      evidence: [
        'SQL scripts leave out what ALTER DATABASE … SET has set, unless they were taken with --create.',
        ...unset.map(([setting, readers]) => {
          const names = new Set(readers.map(({ by }) => by))
          return `${setting} is read by ${[...names].slice(0, 5).join(', ')}.`
        }),
      ],
    },
  ]
}

/** For a role, a function, or the session. */
function sets({ type, definition }: TocEntry, setting: string): boolean {
  if (!definition.includes(setting)) return false
  const name = `"?${setting.replaceAll('.', String.raw`\.`)}\\b`
  const setter = type === 'ROLE SETTINGS' ? name : String.raw`\bset_config\(\s*'${name}|\bSET\s+(LOCAL\s+)?${name}`
  return new RegExp(setter, 'i').test(definition)
}
