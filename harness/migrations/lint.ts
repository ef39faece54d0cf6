import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { HarnessError, messageOf } from '../errors.ts'
import type { Check } from '../model/check.ts'
import type { Finding } from '../model/finding.ts'
import type { MigrationFile } from '../model/migration-run.ts'
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

/** Lints migrations with squawk: a warning for each rule and file. Without its binary the check is `not run`. */
export async function lintMigrations(
  files: readonly MigrationFile[],
  {
    signal,
    findBinary = squawkBinary,
  }: { readonly signal?: AbortSignal | undefined; readonly findBinary?: FindBinary } = {},
): Promise<Lint> {
  const check = { id: 'migrations.lint', metric: 'performance', title: 'Migrations linted', required: false } as const
  try {
    const findings = files.length === 0 ? [] : findingsOfLint(await runSquawk(findBinary(), files, signal), files)
    const summary = `${files.length} files linted: ${findings.length === 0 ? 'nothing found' : `${findings.length} warnings`}.`
    return {
      findings,
      check: { ...check, status: 'passed', summary, numbers: { files: files.length, warnings: findings.length } },
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

/** One warning for each file and rule, at the first place. */
function findingsOfLint(complaints: readonly Complaint[], files: readonly MigrationFile[]): readonly Finding[] {
  const groups = Map.groupBy(complaints, ({ file, rule_name }) => `${file}\n${rule_name}`)
  const findings = [...groups.values()].flatMap((group): readonly Finding[] => {
    const [first] = group
    const file = files.find(({ path }) => resolve(path) === first?.file)
    if (!first || !file || first.rule_name === 'syntax-error') return []
    const lines = [...new Set(group.map(({ line }) => line + 1))]
    const shown = lines.slice(0, 20).join(', ')
    return [
      {
        kind: 'migration.lint',
        object: file.name,
        title: `${file.name}: ${first.message}`,
        evidence: [
          `Rule ${first.rule_name} of squawk.`,
          `${lines.length === 1 ? 'Line' : 'Lines'} ${shown}${lines.length > 20 ? ` … and ${lines.length - 20} more` : ''}.`,
        ],
        migration: file.name,
        where: { file: file.path, line: first.line + 1, column: first.column + 1 },
        ...(first.help === null ? {} : { fix: first.help }),
      },
    ]
  })
  return findings.sort(
    (one, other) => compareText(one.object, other.object) || (one.where?.line ?? 0) - (other.where?.line ?? 0),
  )
}
