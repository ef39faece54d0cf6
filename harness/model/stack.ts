import type { HarnessError } from '../errors.ts'

/** One database with everything Supabase puts in front of it. Stopped by disposal; its parts start when first used. */
export interface Stack extends AsyncDisposable {
  /** What `createClient(url, …)` takes: `http://127.0.0.1:<port>`. Routes: /rest/v1, /auth/v1, /functions/v1, /mailbox. */
  readonly url: string
  readonly anonKey: string
  readonly serviceKey: string
  readonly jwtSecret: string
  /** Connection strings to the stack's database, as superuser (`admin`) and as role postgres (`owner`). */
  readonly databaseUrl: { readonly admin: string; readonly owner: string }
  /** Names of the edge functions that were found. */
  readonly functions: readonly string[]
  /** The mailbox as a page, for a browser on this machine. */
  readonly mailboxUrl: string
  /** Mails accepted so far, oldest first: by Auth and by the Resend double. */
  mails(): readonly Mail[]
  /** Attempts of functions, and of the database by pg_net, to reach a host that is not the stack. */
  egress(): readonly EgressAttempt[]
  /** Names of the edge functions that were called so far, sorted. */
  called(): readonly string[]
  /** Starts every edge function once; those that do not load are in `failures`. Answers the imports that were replaced, sorted. */
  load(): Promise<readonly ReplacedImport[]>
  /** Waits until what the database asked pg_net for so far is delivered to the stack, or recorded as an attempt. */
  settled(): Promise<void>
  /** What the stack's own programs wrote, oldest first, at most the last 2,000 lines. May hold row values: for a person at the terminal, never for a report. */
  logs(): readonly StackLog[]
  /** Parts that could not start (`stack.start-failed`, `engine.unavailable`) and functions that do not load (`function.unloadable`): their routes answer 503. */
  failures(): readonly HarnessError[]
  /** Requests that broke off within a part, oldest first: answered with 502, and no doing of the app's. */
  breaks(): readonly StackBreak[]
  /**
   * Lets time pass for what the stack itself remembers, in milliseconds: mails are that much older, Resend's idempotency
   * keys run out, edge functions start anew with nothing of earlier times in their memory. Clocks stay as they are, and
   * rows are the caller's to move.
   */
  advance(milliseconds: number): Promise<void>
  /** Gives edge functions other variables than the project does, from now on; `null` takes one away. They start anew. */
  setEnvironment(changes: Readonly<Record<string, string | null>>): Promise<void>
  /** Kills the processes of edge functions, also in the middle of a call; answers how many. The next call starts them anew. */
  killFunctions(): Promise<number>
  stop(): Promise<void>
}

/** `path` without what may name a person; `message` without what it quotes; `at`: milliseconds since 1970, by the machine's clock. */
export type StackBreak = { readonly at: number; readonly path: string; readonly message: string }

/** How far time went on: `days` are the midnights (UTC) that were passed, by which dates without a time move. */
export type Advance = { readonly milliseconds: number; readonly days: number }

export type Mail = {
  /** As Resend answers it; `auth-<n>` for mails of Auth. */
  readonly id: string
  readonly source: 'resend' | 'auth'
  readonly from: string
  readonly to: readonly string[]
  readonly cc: readonly string[]
  readonly bcc: readonly string[]
  readonly replyTo: readonly string[]
  readonly subject: string
  readonly html?: string
  /** `''`: the sender wants no text part. Absent: Resend makes one from the HTML. */
  readonly text?: string
  /** The sender's own headers. */
  readonly headers: Readonly<Record<string, string>>
  readonly tags: readonly MailTag[]
  readonly attachments: readonly MailAttachment[]
  /** Every http(s) link in html and text, in order, once each. */
  readonly links: readonly string[]
  /** One-time tokens and codes found in the links. */
  readonly tokens: readonly string[]
  /** Edge function whose key sent it, where known. */
  readonly function?: string
  readonly idempotencyKey?: string
  /** `auth.users.id` of the accounts among to, cc and bcc, in that order, once each; only in mails read from a stack's `/mailbox/mails`. */
  readonly users?: readonly string[]
  /** ISO 8601, on the stack's clock: when it was accepted. */
  readonly at: string
  /** ISO 8601: when it goes out, for a scheduled one. */
  readonly scheduledAt?: string
  /** Resend's `last_event`. */
  readonly status: MailStatus
  /** Oldest first. */
  readonly events: readonly MailEvent[]
}

export type MailTag = { readonly name: string; readonly value: string }

export type MailAttachment = {
  readonly filename: string
  /** Of the content; absent when Resend would fetch it from `path`. */
  readonly bytes?: number
  readonly contentType?: string
  readonly contentId?: string
  readonly path?: string
}

export type MailStatus = 'scheduled' | 'canceled' | 'sent' | 'delivered' | 'bounced' | 'complained' | 'suppressed'

/** ISO 8601 of the stack's clock. `recipient`: whose event it is, where it is one's alone. */
export type MailEvent = { readonly type: MailStatus; readonly at: string; readonly recipient?: string }

/** A mail that the double of Resend did not take, without its content. */
export type RefusedMail = {
  readonly function?: string
  /** Resend's name of the error, and its sentence. */
  readonly name: string
  readonly message: string
  readonly at: string
}

/** An import that only the open internet can serve, and what stood for it. */
export type ReplacedImport = { readonly from: string; readonly to: string }

export type EgressAttempt = {
  /** The edge function; `database: …` with what in it made the attempt, for one of the database's. */
  readonly function: string
  /** Without path and parameters. */
  readonly host: string
  /** A sentence. */
  readonly detail: string
  /** `file:line`, from the functions folder; for the database the function and its line. */
  readonly where?: string
}

/**
 * One line of output. For `source: 'function'`: `function` is the edge function's name, `call` which of its calls wrote
 * it (`<name>#<number>`; none while it loads).
 */
export type StackLog = {
  readonly source: 'data-api' | 'auth' | 'function' | 'database'
  /** When, by the machine's clock: milliseconds since 1970. */
  readonly at: number
  readonly function?: string
  readonly call?: string
  readonly level?: 'debug' | 'info' | 'log' | 'warn' | 'error'
  readonly line: string
}
