import { resolve } from 'node:path'
import { readSource } from '../capture/source.ts'
import { capture } from '../capture/take.ts'
import { HarnessError } from '../errors.ts'
import { toolVersion } from '../tool-version.ts'
import { type Stream, statusLine } from './progress.ts'

/** The flags of `greenlight capture`. */
export type CaptureFlags = {
  readonly from?: string
  readonly out?: string
  readonly jobs?: string
  readonly lockTimeout?: string
  readonly statementTimeout?: string
  readonly quiet?: boolean
}

/** `greenlight capture`: progress on a terminal; hands back what to tell. Throws `usage.invalid` with all complaints, and what `capture` throws. */
export async function captureCommand(
  flags: CaptureFlags,
  cwd: string,
  signal: AbortSignal,
  terminal: Stream = process.stderr,
): Promise<string> {
  const complaints: string[] = []
  const whole = (flag: string, value: string | undefined): number | undefined => {
    if (value === undefined) return undefined
    const number = Number(value)
    if (!Number.isSafeInteger(number) || number < 1)
      complaints.push(`--${flag} takes a whole number from 1, not "${value}"`)
    return number
  }
  const jobs = whole('jobs', flags.jobs)
  const lockSeconds = whole('lock-timeout', flags.lockTimeout)
  const statementSeconds = whole('statement-timeout', flags.statementTimeout)
  if (flags.from === undefined)
    complaints.push('--from names where from: an environment variable with a URL, or a URL without a password')
  if (flags.out === undefined) complaints.push('--out names the folder to make')
  if (complaints.length > 0 || flags.from === undefined || flags.out === undefined) {
    throw new HarnessError(
      'usage.invalid',
      `Nothing can be captured:\n${complaints.map((line) => `  - ${line}`).join('\n')}`,
      {
        facts: { complaints },
      },
    )
  }
  const out = resolve(cwd, flags.out)
  const line = statusLine(terminal)
  const manifest = await capture({
    source: readSource(flags.from, process.env),
    out,
    tool: await toolVersion(),
    ...(jobs === undefined ? {} : { jobs }),
    ...(lockSeconds === undefined ? {} : { lockTimeout: lockSeconds * 1000 }),
    ...(statementSeconds === undefined ? {} : { statementTimeout: statementSeconds * 1000 }),
    signal,
    ...(flags.quiet ? {} : { onProgress: line.show }),
  }).finally(line.clear)
  const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0)
  return `${[
    `Captured ${manifest.server.database} of PostgreSQL ${manifest.server.version} as it was at ${manifest.takenAt}:`,
    `${rows.toLocaleString('en')} rows of ${manifest.tables.length} tables, each with its fingerprint, in ${out}`,
    `Next: greenlight run --dump ${flags.out}`,
  ].join('\n')}\n`
}
