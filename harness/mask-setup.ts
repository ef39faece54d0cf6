import type { MaskSetup } from './dump/mask/masking.ts'
import { HarnessError } from './errors.ts'
import type { GreenlightConfig } from './model/config.ts'

/** A shorter key could be guessed, and with it whose a mask is. */
const shortestKey = 16

/**
 * Pure: how a run masks; undefined: it does not. The addresses of canaries stay, with their passwords' hashes: these are
 * the team's own, stand in the config, and are to log in. Throws `config.invalid` with all complaints.
 */
export function maskSetup(
  { mask, mail, canaries = [] }: GreenlightConfig,
  env: NodeJS.ProcessEnv,
  { liveMail }: { readonly liveMail: boolean },
): MaskSetup | undefined {
  if (mask === undefined) return undefined
  const key = mask.keyEnv === undefined ? undefined : (env[mask.keyEnv] ?? '')
  const complaints: string[] = []
  if (key !== undefined && key.length < shortestKey) {
    complaints.push(
      `mask.keyEnv: ${mask.keyEnv} holds ${key === '' ? 'nothing' : 'a short key'}; it needs ${shortestKey} characters at least, as from: openssl rand -hex 32`,
    )
  }
  if (mail?.account?.refuseExampleRecipients) {
    complaints.push(
      'mail.account.refuseExampleRecipients: masked addresses are at example.com, so that every mail would be refused; leave one of both out',
    )
  }
  if (liveMail && (mail?.live?.allow.length ?? 0) > 0) {
    complaints.push(
      'mail.live.allow: a masked copy cannot tell whether these addresses stand in the dump; leave --live-mail or mask out',
    )
  }
  if (complaints.length === 0)
    return { config: mask, ...(key === undefined ? {} : { key }), keep: canaries.map(({ email }) => email) }
  throw new HarnessError(
    'config.invalid',
    `This run cannot mask:\n${complaints.map((line) => `  - ${line}`).join('\n')}`,
    {
      facts: { complaints },
    },
  )
}
