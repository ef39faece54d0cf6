import { HarnessError } from '../../errors.ts'
import type { Script } from './index-script.ts'
import { truncatedScript } from './script-errors.ts'

/** What a script brings: the roles of the cluster, objects, rows. */
export type Content = { readonly objects: boolean; readonly rows: boolean }

const ofCluster: ReadonlySet<string> = new Set(['ROLE', 'ROLE SETTINGS', 'ROLE MEMBERSHIP', 'TABLESPACE', 'DATABASE'])
const ofRows: ReadonlySet<string> = new Set([
  ...['TABLE DATA', 'SEQUENCE SET', 'BLOB', 'BLOBS', 'STATISTICS DATA', 'MATERIALIZED VIEW DATA'],
  // Of large objects, which come with the rows.
  ...['ACL', 'COMMENT', 'SECURITY LABEL'],
])

export function contentOf({ drafts }: Pick<Script, 'drafts'>): Content {
  return {
    objects: drafts.some(({ type }) => !ofCluster.has(type) && !ofRows.has(type)),
    rows: drafts.some(({ type }) => type === 'TABLE DATA'),
  }
}

/**
 * Throws `dump.truncated` for a script without the end that its writer puts there. Says whether that could be told: what
 * the platform's CLI writes of a schema has neither comments nor another end.
 */
export function requireEnd(script: Script): boolean {
  const { facts, input } = script
  const { objects } = contentOf(script)
  const markers = facts.cluster
    ? facts.clusterComplete
    : facts.dumps > 0
      ? facts.dumpsComplete === facts.dumps
      : undefined
  if (markers === false) {
    const kind = facts.cluster ? 'database cluster dump' : 'database dump'
    throw truncatedScript(input.name, `the line "-- PostgreSQL ${kind} complete" is missing at its end`)
  }
  if (markers || facts.reset) return true
  if (!objects) throw truncatedScript(input.name, 'the RESET ALL that supabase db dump puts at its end is missing')
  return false
}

/** Throws `dump.not-supported` unless the scripts are one whole dump together: objects and their rows. */
export function requireWhole(scripts: readonly Script[]): void {
  const names = scripts.map(({ input }) => input.name).join(', ')
  const alone = scripts.find(({ facts }) => facts.cluster)
  if (alone && scripts.length > 1) {
    throw new HarnessError(
      'usage.invalid',
      `${alone.input.name} is a dump of a whole cluster, a dump by itself. Name it alone, without the others of ${names}.`,
    )
  }
  if (alone && alone.facts.database === undefined) {
    throw incomplete(
      names,
      'no database postgres, only what belongs to the whole cluster. Take it with pg_dumpall, without --globals-only and --roles-only',
    )
  }
  const contents = scripts.map(contentOf)
  const objects = contents.some((content) => content.objects)
  const rows = contents.some((content) => content.rows)
  if (objects && rows) return
  if (objects)
    throw incomplete(names, `objects but no rows.${howTo('data.sql', 'supabase db dump --data-only -f data.sql')}`)
  if (rows)
    throw incomplete(
      names,
      `rows but not the tables they belong to.${howTo('schema.sql', 'supabase db dump -f schema.sql')}`,
    )
  throw incomplete(
    names,
    `roles only.${howTo('schema.sql and data.sql', 'supabase db dump -f schema.sql; supabase db dump --data-only -f data.sql')}`,
  )
}

function howTo(missing: string, command: string): string {
  return ` Of the files of the Supabase CLI, ${missing} is missing: take it (${command}) and name all of them with --dump. One dump with everything in it is pg_dump -Fc`
}

function incomplete(names: string, what: string): HarnessError {
  return new HarnessError('dump.not-supported', `${names}: there are ${what}.`, { facts: { path: names } })
}
