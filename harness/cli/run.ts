import { clearReports } from '../../reports/write.ts'
import { loadConfig } from '../config/load.ts'
import { messageOf } from '../errors.ts'
import { forgetKept, joinKept, keptAdvice } from '../kept.ts'
import { writeKeptMails } from '../kept-mails/write-page.ts'
import type { KeptMails } from '../model/kept-mail.ts'
import type { VerdictName } from '../model/verdict.ts'
import { rehearse } from '../rehearse.ts'
import { type RunFlags, type RunOptions, runOptions } from './options.ts'
import { progressPrinter } from './progress.ts'
import { renderReports } from './reports.ts'

/** `greenlight run`: progress on stderr, the verdict (or with `--json` the document) on stdout, the reports in `--out`. */
export async function runCommand(flags: RunFlags, signal: AbortSignal): Promise<VerdictName> {
  const cwd = process.cwd()
  const options = runOptions(flags, await loadConfig(flags.config, cwd), cwd)
  const color = wantsColor(flags)
  const progress = progressPrinter(process.stderr, {
    quiet: flags.quiet ?? false,
    color: color && Boolean(process.stderr.isTTY),
  })
  let isOver = false
  try {
    await clearReports(options.out)
    await forgetKept(options.out)
    const rehearsal = await rehearse(options, { signal, events: progress })
    isOver = true
    progress.close()
    const mails = options.keep ? await keptMailsOf(options.out) : undefined
    const { stdout } = await renderReports(rehearsal, options, {
      mails,
      json: flags.json ?? false,
      color: color && Boolean(process.stdout.isTTY),
    })
    process.stdout.write(stdout)
    await tellKept(options, mails !== undefined)
    return rehearsal.verdict
  } catch (error) {
    progress.close()
    // Nobody is told where they are: they must not stay.
    await forgetKept(options.out).catch(() => {})
    if (isOver) await tellKept(options, false)
    throw error
  } finally {
    progress.close()
  }
}

/** Whatever is wrong with the mails, it costs nobody the reports. */
async function keptMailsOf(folder: string): Promise<KeptMails | undefined> {
  try {
    return await writeKeptMails(folder)
  } catch (error) {
    process.stderr.write(`  The page of the mails could not be made: ${messageOf(error)}\n`)
    return undefined
  }
}

async function tellKept({ keep, out }: Pick<RunOptions, 'keep' | 'out'>, mails: boolean): Promise<void> {
  const kept = keep ? await joinKept(out) : undefined
  if (kept !== undefined) process.stderr.write(keptAdvice(kept, out, mails))
}

/** `--no-color`, NO_COLOR and FORCE_COLOR as people expect; a stream that is no terminal gets none. */
function wantsColor(flags: RunFlags): boolean {
  if (flags.color === false || process.env.NO_COLOR) return false
  return true
}
