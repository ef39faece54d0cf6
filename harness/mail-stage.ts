import type { Database } from './database/engine.ts'
import { messageOf } from './errors.ts'
import type { Inputs } from './inputs.ts'
import { keepMails } from './kept-mails/keep.ts'
import { hostsIn, type Sites } from './mails/bad-links.ts'
import { compareMails, type MailEvidence } from './mails/compare.ts'
import { faultsOf } from './mails/faults.ts'
import { type Asked, takeKnown } from './mails/known.ts'
import { type Secrets, secretsOf } from './mails/secrets.ts'
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
  /** A test failed that began at `since`, by the machine's clock: the mails since then are its own. */
  failedTest(name: string, since: number): void
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

/** A mail that is to be kept; `at`: milliseconds since 1970, by the machine's clock. */
type Sent = { readonly mail: Mail; readonly at: number; readonly failedTests: string[] }

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
      let watched: { readonly watch: Watch; readonly sites: Sites; readonly secrets: Secrets } | undefined
      const sent: Sent[] = []
      return {
        onMail(mail) {
          watched?.watch.mail(mail)
          if (options.keep) sent.push({ mail, at: Date.now(), failedTests: [] })
          if (side === 'after') forward?.(mail)
        },
        onRefusedMail: (mail) => watched?.watch.refused(mail),
        onLine: (line) => watched?.watch.line(line),
        begin({ url, anonKey, serviceKey, jwtSecret, databaseUrl }) {
          const named = {
            ...secretsOf(functionsEnv),
            ...(functionsEnv.RESEND_API_KEY === undefined ? { RESEND_API_KEY: 're_test_greenlight' } : {}),
            'the service key': serviceKey,
            'the password of the database': new URL(databaseUrl.owner).password,
          }
          const sites = { own, project: new URL(url).host }
          const secrets = { jwtSecret, anonKey, named }
          watched = { watch: watchMails(sites, secrets), sites, secrets }
        },
        failedTest(name, since) {
          for (const { at, failedTests } of sent) if (at >= since) failedTests.push(name)
        },
        async end(database) {
          if (watched === undefined) return
          const { watch, sites, secrets } = watched
          const found = watch.end()
          const held = await takeKnown(database, questions(found, names)).then(
            (known) => ({ sites, secrets, known, seen: settle(found, known) }),
            (error) => {
              unasked.push(`the data could not be asked whether they explain what the mails held: ${messageOf(error)}`)
            },
          )
          if (held !== undefined) seen[side].push(held.seen)
          await keepMails(
            options.out,
            sent.map(({ mail, failedTests }) => ({
              side,
              ...mail,
              problems: held === undefined ? [] : faultsOf(mail, held),
              failedTests,
            })),
          )
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

/** Where people are named, and what they give names to. */
function nameColumns({ profile, resource, rateLimit }: Contracts): Asked['names'] {
  return [
    ...(profile?.name === undefined ? [] : [{ table: profile.table, column: profile.name }]),
    ...(resource?.title === undefined ? [] : [{ table: resource.table, column: resource.title }]),
    ...(rateLimit === undefined ? [] : [{ table: rateLimit.table, column: rateLimit.text }]),
  ]
}
