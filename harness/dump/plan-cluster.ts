import type { TocEntry } from './dump.ts'
import { withoutPreloads } from './entry-sql.ts'
import type { Action, ServerFacts } from './plan.ts'

/** Begins the line of a role's definition that tells what its reader left out of it. */
export const leftOut = '-- left out: '

type Plan = { readonly action: Action; readonly sql: string; readonly reason?: string }

/** Pure: for entries that belong to a whole cluster; undefined for those of a database. */
export function planOfCluster(entry: TocEntry, server: ServerFacts, database: string): Plan | undefined {
  switch (entry.type) {
    case 'ROLE':
      return planRole(entry, server)
    case 'ROLE SETTINGS':
      return planSettings(entry, server)
    case 'ROLE MEMBERSHIP':
      return planMembership(entry)
    case 'TABLESPACE':
      return stub('A copy keeps everything in one place.')
    case 'DATABASE':
      return entry.name === database
        ? undefined
        : stub(`Another database of the cluster: only ${database} is rehearsed.`)
    case 'ACL':
      return entry.name.startsWith('TABLESPACE ') ? stub('A copy keeps everything in one place.') : undefined
    default:
      return undefined
  }
}

function stub(reason: string): Plan {
  return { action: 'stub', sql: '', reason }
}

/** The server has the platform's roles already; its superusers restore the copy and keep their rights. */
function planRole(entry: TocEntry, server: ServerFacts): Plan {
  if (server.superusers.has(entry.name)) return stub('The superuser of this server keeps its own attributes.')
  const lines = entry.definition.split('\n')
  const sql = lines.filter(
    (line) => line.startsWith('ALTER ROLE ') || (line.startsWith('CREATE ROLE ') && !server.roles.has(entry.name)),
  )
  const without = lines.filter((line) => line.startsWith(leftOut)).map((line) => line.slice(leftOut.length))
  const altered = without.length > 0 ? `Made without ${without.join(', ')}.` : undefined
  return { action: altered ? 'alter' : 'restore', sql: sql.join('\n'), ...(altered ? { reason: altered } : {}) }
}

function planSettings(entry: TocEntry, server: ServerFacts): Plan {
  if (server.superusers.has(entry.name)) return stub('The superuser of this server keeps its own settings.')
  const { sql, dropped } = withoutPreloads(entry.definition)
  if (dropped === 0) return { action: 'restore', sql }
  return { action: 'alter', sql, reason: `${dropped} settings left out that load libraries which this server lacks.` }
}

/** Who granted it would have to be a member with that right already, in an order that no dump keeps. */
function planMembership(entry: TocEntry): Plan {
  return { action: 'restore', sql: entry.definition.replace(/\s+GRANTED BY (?:"(?:[^"]|"")+"|[\w$]+)\s*;/g, ';') }
}
