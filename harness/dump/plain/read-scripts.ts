import { createHash } from 'node:crypto'
import { qualified, quoteIdentifier, quoteLiteral } from '../../database/identifiers.ts'
import type { DumpFacts } from '../../model/restore-run.ts'
import { versionNumber } from '../archive/header.ts'
import { describeEntries } from '../describe.ts'
import type { DumpContent } from '../dump.ts'
import type { DumpInput } from '../input/open-inputs.ts'
import { type Draft, newDraft, toEntries } from './draft.ts'
import { indexScript, type Script } from './index-script.ts'
import { missingFrom } from './missing.ts'
import { ScriptData } from './script-data.ts'
import { refusedScript } from './script-errors.ts'
import { unsetSettings } from './unset-settings.ts'
import { contentOf, requireEnd, requireWhole } from './whole.ts'

/**
 * Reads the psql scripts of one dump, in any order: a plain dump of pg_dump, a dump of pg_dumpall, or what the
 * platform's CLI writes (roles, schema, data). Throws `dump.not-supported`, `dump.truncated`, `dump.corrupt`,
 * `usage.invalid` and `aborted`.
 */
export async function readScripts(inputs: readonly DumpInput[], signal: AbortSignal | undefined): Promise<DumpContent> {
  const read: Script[] = []
  for (const input of inputs) read.push(await indexScript(input, signal))
  const scripts = read.toSorted((a, b) => rank(a) - rank(b))
  requireWhole(scripts)
  const endKnown = scripts.map(requireEnd).every((known) => known)

  const made = [...settings(scripts), ...scripts.flatMap((script) => script.drafts)]
  const drafts = scripts.length > 1 ? [...made, ...refreshes(made)] : made
  const { entries, segments } = toEntries(drafts)
  const data = new ScriptData(segments)
  const serverVersion = scripts.flatMap(({ facts }) => facts.serverVersion ?? [])[0] ?? 'unknown'
  const described = describeEntries(entries, data)
  const defined = new Set(entries.filter(({ type }) => type === 'ROLE').map(({ name }) => name))
  const missing = missingFrom(entries, endKnown)
  const database = scripts.flatMap(({ facts }) => facts.database ?? [])[0] ?? 'postgres'
  const notes = [...(missing?.notes ?? []), ...unsetSettings(entries, database)]
  return {
    facts: {
      path: scripts.map(({ input }) => input.name).join(', '),
      format: formatOf(scripts),
      serverVersion,
      compression: 'none',
      bytes: scripts.reduce((sum, { bytes }) => sum + bytes, 0),
      sha256: hashOf(scripts),
      database,
    },
    sources: scripts.map(({ input, sha256, bytes }) => ({ path: input.name, sha256, bytes })),
    serverVersionNum: versionNumber(serverVersion),
    encoding: 'UTF8',
    entries,
    data,
    ...described,
    roles: described.roles.filter((role) => !defined.has(role)),
    ...(missing === undefined ? {} : { missing: { history: missing.history } }),
    ...(notes.length === 0 ? {} : { notInDump: notes }),
  }
}

/** Roles, then objects, then rows, whatever the files are called. */
function rank(script: Script): number {
  const { objects, rows } = contentOf(script)
  return objects ? 1 : rows ? 2 : 0
}

function formatOf(scripts: readonly Script[]): DumpFacts['format'] {
  if (scripts.some(({ facts }) => facts.cluster)) return 'cluster'
  return scripts.some(({ facts, input }) => facts.reset || facts.replica || input.kind === 'supabase-cli')
    ? 'supabase-cli'
    : 'plain'
}

function hashOf(scripts: readonly Script[]): string {
  const [only, ...more] = scripts
  if (only && more.length === 0) return only.sha256
  return createHash('sha256')
    .update(scripts.map(({ sha256 }) => `${sha256}\n`).join(''))
    .digest('hex')
}

/** Neither a dump of the objects nor one of the rows fills materialized views: a dump of both does. */
function refreshes(drafts: readonly Draft[]): Draft[] {
  if (drafts.some(({ type }) => type === 'MATERIALIZED VIEW DATA')) return []
  return drafts
    .filter(({ type }) => type === 'MATERIALIZED VIEW')
    .map(({ schema, name, owner, place, keys }) => ({
      ...newDraft({ type: 'MATERIALIZED VIEW DATA', schema, name, owner, place }),
      statements: [
        `REFRESH MATERIALIZED VIEW ${schema === undefined ? quoteIdentifier(name) : qualified(schema, name)};`,
      ],
      needs: new Set(keys),
    }))
}

/** What an archive keeps as entries of their own. */
function settings(scripts: readonly Script[]): Draft[] {
  const strings = new Set(scripts.map(({ facts }) => facts.standardStrings))
  const [first] = scripts
  if (first && strings.size > 1)
    throw refusedScript(first.input.name, 1, 'standard_conforming_strings other than the files with it')
  const standard = strings.has(false) ? 'off' : 'on'
  const path = scripts.flatMap(({ facts }) => facts.searchPath ?? [])[0] ?? ''
  const setting = (type: string, statement: string): Draft => ({
    ...newDraft({ type, schema: undefined, name: type, owner: '', place: { offset: 0, line: 1 } }),
    statements: [statement],
  })
  return [
    setting('ENCODING', "SET client_encoding = 'UTF8';"),
    setting('STDSTRINGS', `SET standard_conforming_strings = '${standard}';`),
    setting('SEARCHPATH', `SELECT pg_catalog.set_config('search_path', ${quoteLiteral(path)}, false);`),
  ]
}
