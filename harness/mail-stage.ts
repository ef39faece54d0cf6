import { appendFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Database } from './database/engine.ts'
import { messageOf } from './errors.ts'
import type { Inputs } from './inputs.ts'
import { keptMails } from './kept.ts'
import { hostsIn } from './mails/bad-links.ts'
import { compareMails, type MailEvidence } from './mails/compare.ts'
import { type Asked, takeKnown } from './mails/known.ts'
import { secretsOf } from './mails/secrets.ts'
import { questions, type Seen, settle } from './mails/settle.ts'
import { type Watch, watchMails } from './mails/watch.ts'
import type { Contracts } from './model/config.ts'
import type { Mail, RefusedMail, Stack, StackLog } from './model/stack.ts'
import type { Side } from './model/suite-run.ts'

/** What a stack tells of its mails and logs while it runs, and the two moments at which they are looked at. */
export type StackWatch = {
  readonly onMail: (mail: Mail) => void
  readonly onRefusedMail: (mail: RefusedMail) => void
  readonly onLine: (line: StackLog) => void
  /** Before the first request: only now the stack's address and keys are known. */
  begin(stack: Pick<Stack, 'url' | 'anonKey' | 'serviceKey' | 'jwtSecret' | 'databaseUrl'>): void
  /** Before the clone goes: what looks wrong is held against its data. */
  end(database: Database): Promise<void>
}

/** The mails and logs of all stacks of one run, joined over both sides. */
export type MailCollector = {
  watch(side: Side): StackWatch
  evidence(): MailEvidence
  /** Whether the mails or logs of after hold what weighs by what before held. */
  isDoubtful(): boolean
}

/** `forward` is told of every mail on after, too. */
export function mailCollector(
  { options, functions }: Pick<Inputs, 'options' | 'functions'>,
  forward?: (mail: Mail) => void,
): MailCollector {
  const { contracts = {}, functionsEnv = {} } = options.config
  const seen: Record<Side, Seen[]> = { before: [], after: [] }
  const unasked: string[] = []
  const own = hostsIn(functionsEnv)
  const names = nameColumns(contracts)
  return {
    watch(side) {
      let watch: Watch | undefined
      const sent: Mail[] = []
      return {
        onMail(mail) {
          watch?.mail(mail)
          if (options.keep) sent.push(mail)
          if (side === 'after') forward?.(mail)
        },
        onRefusedMail: (mail) => watch?.refused(mail),
        onLine: (line) => watch?.line(line),
        begin({ url, anonKey, serviceKey, jwtSecret, databaseUrl }) {
          const named = {
            ...secretsOf(functionsEnv),
            ...(functionsEnv.RESEND_API_KEY === undefined ? { RESEND_API_KEY: 're_test_greenlight' } : {}),
            'the service key': serviceKey,
            'the password of the database': new URL(databaseUrl.owner).password,
          }
          watch = watchMails({ own, project: new URL(url).host }, { jwtSecret, anonKey, named })
        },
        async end(database) {
          if (sent.length > 0) await keepMails(options.out, side, sent)
          const watched = watch?.end()
          if (watched === undefined) return
          try {
            seen[side].push(settle(watched, await takeKnown(database, questions(watched, names))))
          } catch (error) {
            unasked.push(`the data could not be asked whether they explain what the mails held: ${messageOf(error)}`)
          }
        },
      }
    },
    isDoubtful: () => seen.after.some(({ problems, secrets }) => problems.length + secrets.length > 0),
    evidence: () =>
      compareMails(seen, {
        functions,
        mailsExpected: contracts.notifications !== undefined || contracts.reminders !== undefined,
        sitesKnown: own.length > 0,
        unasked,
      }),
  }
}

/** For whoever asked to keep the copy: it holds real addresses, so nobody else may read it. */
async function keepMails(folder: string, side: Side, mails: readonly Mail[]): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const lines = mails.map((mail) => `${JSON.stringify({ side, ...mail })}\n`)
  await appendFile(join(folder, keptMails), lines.join(''), { mode: 0o600 })
}

/** Where people are named, and what they give names to. */
function nameColumns({ profile, resource, rateLimit }: Contracts): Asked['names'] {
  return [
    ...(profile?.name === undefined ? [] : [{ table: profile.table, column: profile.name }]),
    ...(resource?.title === undefined ? [] : [{ table: resource.table, column: resource.title }]),
    ...(rateLimit === undefined ? [] : [{ table: rateLimit.table, column: rateLimit.text }]),
  ]
}
