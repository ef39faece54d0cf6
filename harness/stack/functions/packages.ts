import { dirname } from 'node:path'
import { execa } from 'execa'
import { denoFolder } from './deno.ts'
import type { EdgeFunction } from './discover.ts'
import type { Mapping } from './import-map.ts'

/** A start that failed: why, and the last lines that were written. */
export type Failed = { readonly reason: string; readonly output: readonly string[] }

/** Fills Deno's cache from the npm registry, with this process's own settings for it (proxy, certificates, .npmrc). */
export async function fetchPackages(
  deno: string,
  config: string,
  { entry }: EdgeFunction,
  signal: AbortSignal | undefined,
): Promise<Failed | undefined> {
  const run = await execa(
    deno,
    ['cache', '--quiet', '--no-lock', '--node-modules-dir=none', '--allow-import', `--config=${config}`, entry],
    {
      env: { DENO_DIR: denoFolder(), NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' },
      cwd: dirname(entry),
      reject: false,
      ...(signal === undefined ? {} : { cancelSignal: signal }),
    },
  )
  return run.failed ? { reason: 'a module could not be fetched', output: run.stderr.split('\n') } : undefined
}

/** What failed, with the import that is behind it and what to do, for a person. */
export function unloadableReason({ reason, output }: Failed, mappings: readonly Mapping[]): string {
  const words = output
    .filter((line) => line.trim() !== '' && !/^\s*(Stack backtrace:|\d+: <unknown>|Download )/.test(line))
    .slice(-8)
  const text = words.join('\n  ')
  const specifier =
    /(?:Import|Specifier not found in cache:|loading|npm package|JSR package)[ "']+((?:https?|npm|jsr):?[^\s"']+|@?[\w./-]+)/i.exec(
      text,
    )?.[1]
  const remote = /\b(?:https?:\/\/[^\s"']+|(?:npm|jsr):[^\s"']+)/.exec(text)?.[0] ?? specifier
  const unreachable = /error sending request|could not be fetched|cached-only|npm package|JSR package/i.test(
    `${reason} ${text}`,
  )
  const mapped = mappings.find(({ to }) => remote !== undefined && to.includes(remote.replace(/^(npm|jsr):\/?/, '')))
  const origin = mapped === undefined ? '' : ` (in place of ${mapped.from})`
  const advice =
    unreachable && remote !== undefined
      ? ` The import ${remote}${origin} cannot be had here: give the machine access to its registry, or import a package that npm has.`
      : ''
  // The runtime's own words name files and imports; those of an uncaught error are the function's.
  const told = words.find((line) => /^error: (?!Uncaught)/.test(line))?.replace(/^error: |\.$/g, '')
  const place = /file:\/\/\S*?([^/\s]+\/[^/\s]+:\d+):\d+/.exec(text)?.[1]
  const said = `${told === undefined ? '' : `: ${told}`}${place === undefined ? '' : ` (${place})`}`
  return `${reason}${said}.${advice}${text === '' ? '' : ` Deno says:\n  ${text}`}`
}
