import type { NotInDump } from '../../model/restore-run.ts'
import type { MissingParts, TocEntry } from '../dump.ts'

/**
 * Pure: what is made up for a dump without the platform's own schemas, as the platform's CLI writes it, and what nobody
 * can make up. Undefined for a dump that has them. `endKnown`: that it is whole could be told by its end.
 */
export function missingFrom(
  entries: readonly TocEntry[],
  endKnown: boolean,
): (MissingParts & { readonly notes: readonly NotInDump[] }) | undefined {
  const has = (type: string, schema: string, name: string) =>
    entries.some((entry) => entry.type === type && entry.schema === schema && entry.name === name)
  if (has('TABLE', 'auth', 'users') || !has('TABLE DATA', 'auth', 'users')) return undefined
  const history = has('TABLE', 'supabase_migrations', 'schema_migrations')
  const extension = (name: string) => entries.some((entry) => entry.type === 'EXTENSION' && entry.name === name)
  return {
    history: !history,
    notes: [
      platformObjects(entries),
      ...(history ? [] : [noHistory]),
      ...(extension('pg_cron') ? [noJobs] : []),
      ...(extension('supabase_vault') ? [noSecrets] : []),
      ...(endKnown ? [] : [noEnd]),
    ],
  }
}

function platformObjects(entries: readonly TocEntry[]): NotInDump {
  const called = entries.filter(({ type }) => type === 'TRIGGER').map(({ definition }) => definition)
  const orphans = entries
    .filter(({ type, definition }) => type === 'FUNCTION' && /\bRETURNS\s+"?trigger"?\s/i.test(definition))
    .filter(({ name }) => !called.some((definition) => definition.includes(name.replace(/\(.*$/s, ''))))
    .map(({ schema, name }) => `${schema}.${name}`)
  return {
    object: 'auth, storage, realtime',
    title:
      'Triggers on auth.users and policies on storage.objects and realtime.messages are not in the dump, so they are not rehearsed.',
    evidence: [
      'supabase db dump leaves the schemas of the platform out: their tables are made here as the platform makes them today, without what the project added to them.',
      ...(orphans.length > 0
        ? [`No trigger in the dump calls ${orphans.join(', ')}: probably triggers on tables of the platform do.`]
        : []),
    ],
  }
}

const noHistory: NotInDump = {
  object: 'supabase_migrations.schema_migrations',
  title: 'The history of migrations is not in the dump: which ones production has is not known from it.',
  evidence: ['Without --baseline <version of the last one in production>, every file of the folder counts as pending.'],
}
const noJobs: NotInDump = {
  object: 'cron.job',
  title: 'The cron jobs of production are not in the dump, so nothing that they call is rehearsed.',
  evidence: ['supabase db dump leaves out the rows of cron.job.'],
}
const noSecrets: NotInDump = {
  object: 'vault.secrets',
  title: 'The secrets of the vault are not in the dump: what reads them finds none.',
  evidence: ['supabase db dump leaves out the rows of schema vault.'],
}
const noEnd: NotInDump = {
  object: 'the end of the schema',
  title: 'Whether the schema file is whole cannot be told: supabase db dump marks its end only with --keep-comments.',
  evidence: ['A file that was cut between two statements would miss what comes last: grants, policies, triggers.'],
}
