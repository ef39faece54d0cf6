import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { HarnessError, messageOf } from '../errors.ts'
import type { Check } from '../model/check.ts'
import type { Finding } from '../model/finding.ts'
import type { MigrationFile } from '../model/migration-run.ts'
import { type LockedTables, lockRules, whyHarmless } from './lint-tables.ts'
import { compareText } from './order.ts'

/**
 * Rules of squawk that say nothing here: taste (types, names), and what the transaction of each file already gives.
 * A `.squawk.toml` in the working directory takes their place.
 */
const quietRules = [
  'ban-char-field',
  'prefer-bigint-over-int',
  'prefer-bigint-over-smallint',
  'prefer-identity',
  'prefer-robust-stmts',
  'prefer-text-field',
  'require-statement-timeout',
]

export type Lint = { readonly findings: readonly Finding[]; readonly check: Check }

/** Where squawk's binary is; throws when its package for this platform is not installed. */
export type FindBinary = () => string

export type LintOptions = {
  readonly signal?: AbortSignal | undefined
  readonly findBinary?: FindBinary
  /** By which a rule about locks is only told, not warned of, where nobody waits. Without them each is a warning. */
  readonly tables?: LockedTables | undefined
}

/**
 * Lints migrations with squawk: a warning for each rule and file, and a note where a rule is about locking tables that are
 * new, or tiny and not in use. Without its binary the check is `not run`.
 */
export async function lintMigrations(
  files: readonly MigrationFile[],
  { signal, findBinary = squawkBinary, tables }: LintOptions = {},
): Promise<Lint> {
  const check = { id: 'migrations.lint', metric: 'performance', title: 'Migrations linted', required: false } as const
  try {
    const complaints = files.length === 0 ? [] : await runSquawk(findBinary(), files, signal)
    const findings = findingsOfLint(await weigh(complaints, files, tables))
    const notes = findings.filter(({ severity }) => severity === 'info').length
    const warnings = findings.length - notes
    const found = [...(warnings > 0 ? [`${warnings} warnings`] : []), ...(notes > 0 ? [`${notes} notes`] : [])]
    const summary = `${files.length} files linted: ${found.length === 0 ? 'nothing found' : found.join(', ')}.`
    return {
      findings,
      check: { ...check, status: 'passed', summary, numbers: { files: files.length, warnings, notes } },
    }
  } catch (error) {
    if (error instanceof HarnessError) throw error
    return {
      findings: [],
      check: { ...check, status: 'not run', reason: `squawk does not run here: ${messageOf(error)}` },
    }
  }
}

function squawkBinary(): string {
  const squawk: { getBinaryPath(): string } = createRequire(import.meta.url)('squawk-cli/js/index.js')
  return squawk.getBinaryPath()
}

/** One complaint of squawk's JSON reporter; line and column count from 0. */
type Complaint = {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
  readonly help: string | null
  readonly rule_name: string
}

async function runSquawk(
  binary: string,
  files: readonly MigrationFile[],
  signal: AbortSignal | undefined,
): Promise<readonly Complaint[]> {
  const exclude = existsSync('.squawk.toml') ? [] : [`--exclude=${quietRules.join(',')}`]
  const flags = ['--reporter', 'json', ...exclude]
  const alone = files.filter(({ statements }) => statements.some(({ standalone }) => standalone))
  const together = files.filter((file) => !alone.includes(file))
  const runs = [
    { flags: [...flags, '--assume-in-transaction'], files: together },
    { flags, files: alone },
  ]
  const complaints: Complaint[] = []
  for (const run of runs) {
    if (run.files.length === 0) continue
    const paths = run.files.map(({ path }) => resolve(path))
    complaints.push(...parseComplaints(await output(binary, [...run.flags, ...paths], signal)))
  }
  return complaints
}

/** squawk ends with 1 when it complains; what it says counts. */
function output(binary: string, argv: readonly string[], signal: AbortSignal | undefined): Promise<string> {
  return new Promise((done, fail) => {
    const options = { maxBuffer: 256 * 1024 * 1024, ...(signal ? { signal } : {}) }
    execFile(binary, argv, options, (error, stdout, stderr) => {
      if (signal?.aborted) fail(new HarnessError('aborted', 'Stopped while linting the migrations.'))
      else if (stdout.trimStart().startsWith('[')) done(stdout)
      else fail(new Error(stderr.trim().split('\n')[0] || error?.message || 'it said nothing'))
    })
  })
}

function parseComplaints(text: string): readonly Complaint[] {
  const complaints: unknown = JSON.parse(text)
  return Array.isArray(complaints) ? (complaints as Complaint[]) : []
}

type Weighed = { readonly complaint: Complaint; readonly file: MigrationFile; readonly harmless?: readonly string[] }

async function weigh(
  complaints: readonly Complaint[],
  files: readonly MigrationFile[],
  tables: LockedTables | undefined,
): Promise<readonly Weighed[]> {
  const weighed: Weighed[] = []
  for (const complaint of complaints) {
    const file = files.find(({ path }) => resolve(path) === complaint.file)
    if (file === undefined || complaint.rule_name === 'syntax-error') continue
    const aboutLocks = tables !== undefined && lockRules.has(complaint.rule_name)
    const harmless = aboutLocks ? await whyHarmless(file, complaint.line + 1, tables) : undefined
    weighed.push({ complaint, file, ...(harmless === undefined ? {} : { harmless }) })
  }
  return weighed
}

/** One finding for each file, rule and severity, at the first place. */
function findingsOfLint(weighed: readonly Weighed[]): readonly Finding[] {
  const groups = Map.groupBy(weighed, ({ complaint, harmless }) =>
    [complaint.file, complaint.rule_name, harmless !== undefined].join('\n'),
  )
  const findings = [...groups.values()].flatMap((group): readonly Finding[] => {
    const [first] = group
    if (first === undefined) return []
    const { complaint, file } = first
    const lines = [...new Set(group.map(({ complaint: { line } }) => line + 1))]
    const shown = lines.slice(0, 20).join(', ')
    const reasons = [...new Set(group.flatMap(({ harmless = [] }) => harmless))].sort(compareText)
    return [
      {
        kind: 'migration.lint',
        object: file.name,
        title: `${file.name}: ${complaint.message}`,
        evidence: [
          `Rule ${complaint.rule_name} of squawk.`,
          `${lines.length === 1 ? 'Line' : 'Lines'} ${shown}${lines.length > 20 ? ` … and ${lines.length - 20} more` : ''}.`,
          ...reasons,
        ],
        ...(first.harmless === undefined ? {} : { severity: 'info' }),
        migration: file.name,
        where: { file: file.path, line: complaint.line + 1, column: complaint.column + 1 },
        ...(complaint.help === null ? {} : { fix: complaint.help }),
      },
    ]
  })
  return findings.sort(
    (one, other) => compareText(one.object, other.object) || (one.where?.line ?? 0) - (other.where?.line ?? 0),
  )
}
