import type { FindingKind } from './finding.ts'
import type {
  NotificationsContract,
  OnboardingContract,
  RateLimitContract,
  RemindersContract,
} from './mail-contracts.ts'
import type { MailAccount } from './mail-fault.ts'

export const engineNames = ['embedded', 'container', 'url'] as const
export type EngineName = (typeof engineNames)[number]

/** What restores an archive: Greenlight's own reader, or PostgreSQL's pg_restore. */
export const clientNames = ['own', 'native'] as const
export type ClientName = (typeof clientNames)[number]

/**
 * What `greenlight.config.ts` exports through `defineConfig`. Paths are relative to the config file.
 * Flags of the command line override it.
 */
export type GreenlightConfig = {
  /** The production dump: a file or a folder, or several of them. `-` reads standard input. */
  readonly dump?: string | readonly string[]
  /** Folder with the pending migrations. */
  readonly migrations?: string
  /** Folder with the rollback scripts, each named as the migration that it takes back. */
  readonly rollback?: string
  /** Development, to be compared with production after the migrations: a dump, a folder of migrations or schema files, a .sql file, or `postgres://…`. */
  readonly development?: string
  /** Folder with the edge functions, one folder each (`supabase/functions`). */
  readonly functions?: string
  /** The last version that production already has, when the dump holds no history: files up to it are not pending. */
  readonly baseline?: string
  /** Longest time in milliseconds that a migration may keep users from a table. Default: 1000. */
  readonly maxBlock?: number
  /** Where the throwaway Postgres comes from. Default: `embedded`. */
  readonly engine?: EngineName
  /** Image of the engine `container`. Default: the platform's for the version of the dump. */
  readonly image?: string
  /** Server of the engine `url`, without a password: that stands in PGPASSWORD, or with the whole URL in GREENLIGHT_ENGINE_URL. */
  readonly engineUrl?: string
  /** Where production is: hosts on which nothing is ever rehearsed. */
  readonly production?: { readonly hosts: readonly string[] }
  /** What restores the dump; `native` needs pg_restore and an archive, and cannot mask. Default: `own`. */
  readonly client?: ClientName
  /** Folder for the reports. Default: `reports/out`. */
  readonly out?: string
  /** Globs of suite files of your own, run besides the built-in ones. */
  readonly suites?: readonly string[]
  /** Seed of every random choice (samples of users and rows). Default: 1. Unit: a non-negative integer. */
  readonly seed?: number
  /** Folders of suites that must be configured and run (`auth`, `rls` …): one that cannot blocks the deploy. */
  readonly require?: readonly string[]
  /** Accounts of your own team with known passwords, logged in for real on both sides. */
  readonly canaries?: readonly Canary[]
  /** Users who are asked what they see and may write, of every kind there is; `all` for everyone. Default: 200. */
  readonly identities?: number | 'all'
  /** Of them, users wanted of each kind before more of any. Default: 2. */
  readonly usersPerKind?: number
  /** How many users are logged in for real, on both sides. Default: all of them up to 500, else `usersPerKind` of each kind and at most 500. */
  readonly logins?: number | 'all'
  /** Environment of the edge functions, besides what the platform injects. Secrets belong in the environment, not here. */
  readonly functionsEnv?: Readonly<Record<string, string>>
  /** The mail service that edge functions find: Resend's, played by a double. */
  readonly mail?: MailConfig
  /** Personal data that is replaced on its way into the copy; `{}`: whatever is found. Default: none is. */
  readonly mask?: MaskConfig
  /** Queries of the app whose cost matters, besides the plain reads of every table: they are measured on both sides. */
  readonly queries?: readonly QueryConfig[]
  readonly contracts?: Contracts
  readonly waivers?: readonly Waiver[]
  /** Extra items of the plan checklist, or the whole of it with `replace`. */
  readonly plan?: { readonly replace?: boolean; readonly items: readonly PlanItemConfig[] }
}

export type MailConfig = {
  /** The team at Resend: rate, verified domains. Default: see `MailAccount`. */
  readonly account?: Partial<MailAccount>
  /** The edge function that takes Resend's webhooks, and the variable of its environment that gets their secret (`whsec_…`). */
  readonly webhook?: { readonly function: string; readonly secretEnv: string }
  /** Whom `--live-mail` may really mail besides `*@resend.dev`: addresses of the team, none of which stands in the dump. */
  readonly live?: { readonly allow: readonly string[] }
}

/**
 * What a masked value is replaced by; the same value by the same mask, in every table.
 * - `email`: an address at example.com, which nobody has and Resend refuses.
 * - `phone`: a number of as many digits, written in the same way. `ip`: another address.
 * - `name`, `address`: of a person, of a street; with a word of their own, so that no two become one.
 * - `token`: letters and digits in the same places; a hexadecimal number stays one, a UUID too.
 * - `text`: sentences of about the same length. In JSON, every string becomes one.
 * - `json`: the strings in it whose names or looks tell that they are one of the others.
 * - `keep`: as it is.
 */
export const maskKinds = ['email', 'phone', 'name', 'address', 'ip', 'token', 'text', 'json', 'keep'] as const
export type MaskKind = (typeof maskKinds)[number]

/** Kinds that are found without being told. */
export const foundKinds = ['email', 'phone', 'name', 'address', 'ip', 'token', 'json'] as const
export type FoundKind = (typeof foundKinds)[number]

/**
 * Which columns are masked. Tokens, secrets, password hashes and the personal data of auth and vault always are. The
 * addresses of `canaries` stay in every table, and so do their passwords' hashes.
 */
export type MaskConfig = {
  /** By table, and column: `{ 'public.profiles': { phone: 'phone', nickname: 'keep' } }`. For partitions, the partitioned table. */
  readonly tables?: Readonly<Record<string, Readonly<Record<string, MaskKind>>>>
  /** By name, in whatever table of the app: `{ '*_email': 'email', tax_id: 'token' }`; `*` stands for any letters. */
  readonly names?: Readonly<Record<string, MaskKind>>
  /**
   * Kinds to look for: by the names and types of columns, and by a sample of their values. Addresses and keys within
   * longer texts are then replaced, too. Default: `true`, all of them; `false`: only what is named.
   */
  readonly find?: boolean | readonly FoundKind[]
  /** Environment variable with the key of the masks (from 16 characters). Two runs with one key give the same masks. Default: a random key for each run, which nobody learns. */
  readonly keyEnv?: string
}

/** An account whose password is known. The password itself comes from the environment variable `passwordEnv`, or from the JSON file `passwordsFile` (e-mail → password). */
export type Canary = { readonly email: string; readonly passwordEnv?: string; readonly passwordsFile?: string }

/** A finding accepted on purpose. After `until` (the day included, UTC) it covers nothing any more. */
export type Waiver = {
  readonly kind: FindingKind
  /** As in the finding: `public.profiles`, or `public.profiles(timezone)` for one column. */
  readonly object: string
  readonly owner: string
  readonly reason: string
  /** ISO date: `2026-12-31`. */
  readonly until: string
}

/** One SELECT. `as`: who sends it, under row-level security; default `user`, the first of the sampled users. */
export type QueryConfig = { readonly name: string; readonly sql: string; readonly as?: 'anon' | 'user' | 'service' }

export type PlanItemConfig = {
  readonly text: string
  readonly phase?: string
  /** Ids of checks, names of suites (`suite:rls`) or of migrations (`migration:204_*`): all must have passed. Without any, the item is `manual`. */
  readonly evidence?: readonly string[]
}

/** One read of the app, as its clients send it, whose answers must stay the same for each user. */
export type ReadContract = {
  /** As an expectation names it, in lower case with hyphens: `my-events`. */
  readonly name: string
  /** What is read: a table or view, or else a function. */
  readonly table?: string
  readonly rpc?: string
  /** Arguments of the function. `{user}` in a text is the id of who asks. */
  readonly args?: Readonly<Record<string, string | number | boolean | null>>
  /** As the Data API takes it: `id,title,members(user_id)`. Default: every column. */
  readonly select?: string
  /** Column → condition: `{ archived: 'eq.false', owner_id: 'eq.{user}' }`. */
  readonly filters?: Readonly<Record<string, string>>
  /** Needed where there may be more than 1,000 rows: `created_at.desc,id`. */
  readonly order?: string
  /** Who asks. Default: `['user']`, a spread of the sampled users. */
  readonly as?: readonly ('anon' | 'user' | 'service')[]
}

/** What the suites must know of the app. A suite whose contract is missing is `not configured`. Tables are `schema.table`. */
export type Contracts = {
  /** Reads of the app whose answers must stay the same for each user: else a finding, with counts, keys and columns. */
  readonly reads?: readonly ReadContract[]
  /** One row for each user. */
  readonly profile?: {
    readonly table: string
    /** Column that equals `auth.users.id`. */
    readonly user: string
    readonly email?: string
    readonly name?: string
    /** Boolean column: `false` switches mails off. */
    readonly subscribed?: string
    /** Column with the IANA name of the reader's time zone (`Europe/Paris`): mails tell dates in it. */
    readonly timeZone?: string
  }
  /** What collaborators share: an event, a project, a document. */
  readonly resource?: {
    readonly table: string
    readonly key: string
    /** Column with the owner's user id. */
    readonly owner: string
    readonly title?: string
    /** Start and end of it: the end is never before the start. */
    readonly startsAt?: string
    readonly endsAt?: string
  }
  /** Who may work on which resource, and as what. */
  readonly membership?: {
    readonly table: string
    readonly user: string
    readonly resource: string
    readonly role: string
    /** Value of `role` that the owner must have. */
    readonly ownerRole: string
    /** All roles, strongest first. */
    readonly roles: readonly string[]
    /** Boolean column: `false` switches mails about this resource off. */
    readonly subscribed?: string
  }
  /** Tables whose rows belong to a resource: every member reads them, a stranger does not. `resource` is their column with its key. */
  readonly shared?: readonly { readonly table: string; readonly resource: string }[]
  /** Mails that follow an action. In `body`, `{resource}`, `{actor}` and `{message}` are replaced by ids. */
  readonly notifications?: NotificationsContract
  /** Chat: where messages are, and how many mails a recipient gets for one resource within a window. */
  readonly rateLimit?: RateLimitContract
  /** Invitations that are reminded by a scheduled function. */
  readonly reminders?: RemindersContract
  /** Mails that lead a new user in: the n-th is due so many days after the sign-up. Needs `profile`. */
  readonly onboarding?: OnboardingContract
  readonly accessCodes?: {
    /** Function of the Data API, and its argument. */
    readonly function: string
    readonly argument: string
    /** A code that must be valid. */
    readonly validCode: string
    /** Key of the JSONB answer that says so. */
    readonly validKey: string
    /** Where the codes are. With it, codes that expired, were used up or switched off are tried, too. */
    readonly codes?: AccessCodeTable
  }
  /** Who may do what to the rows of a resource; checked cell by cell, each in a transaction that is rolled back. */
  readonly access?: AccessContract
  /** Rules about the data itself, that the database may or may not enforce. */
  readonly integrity?: IntegrityContract
}

export type AccessCodeTable = {
  readonly table: string
  /** Column with the code as it is typed. */
  readonly code: string
  /** Boolean column: `false` switches the code off. */
  readonly active?: string
  /** Timestamp column: after it the code is no longer accepted. NULL: never. */
  readonly expires?: string
  /** Column that counts down to 0. NULL: any number of uses. */
  readonly usesLeft?: string
  /** Or two columns: how often it was used, and how often it may be. */
  readonly uses?: string
  readonly maxUses?: string
  /** Table that gets one row for each accepted code, and its column with the code. */
  readonly visits?: { readonly table: string; readonly code: string }
  /** Whether `abc` is accepted for `ABC`. Default: both sides must do the same, whichever it is. */
  readonly ignoresCase?: boolean
}

export const accessCommands = ['select', 'insert', 'update', 'delete'] as const
export type AccessCommand = (typeof accessCommands)[number]

/** Who somebody can be to a resource besides the roles of `contracts.membership`. */
export const outsiders = ['invited', 'removed', 'stranger', 'anon'] as const

export type AccessContract = {
  /**
   * Row that makes somebody invited: column → value. In values, `{resource}`, `{actor}` and `{email}` are replaced.
   * Columns that are not named take their default, or the value of a row that is there. Without it, nobody is invited.
   */
  readonly invited?: { readonly table: string; readonly values: Readonly<Record<string, string>> }
  readonly tables: readonly AccessTable[]
}

export type AccessTable = {
  readonly table: string
  /** Which rows belong to a resource: those whose column holds its key. For the resource's own table, its key. */
  readonly resource?: string
  /** Or: those whose column holds the id of one of its people (profiles). Without either, all rows of the table. */
  readonly person?: string
  /** Column with the user a row is by. Rows that are the actor's own are left out; a row that is inserted is the actor's. */
  readonly user?: string
  /** Allowed commands for each role of `contracts.membership`, `invited`, `removed`, `stranger`, `anon`. Who is not named, and what is not listed, must be refused. */
  readonly may: Readonly<Record<string, readonly AccessCommand[]>>
  /**
   * Columns of the row that is inserted: column → value, with `{resource}`, `{actor}`, `{newcomer}` (a user who has
   * nothing to do with the resource) and `{uuid}` (a new one) replaced. Others as for `invited`.
   */
  readonly insert?: Readonly<Record<string, string>>
}

export type IntegrityContract = {
  /** No two rows have the same values in these columns; rows with a NULL in one are not compared. */
  readonly unique?: readonly {
    readonly table: string
    readonly columns: readonly string[]
    readonly ignoresCase?: boolean
  }[]
  /** Every value of the column is a value of `key` in the table `in`. */
  readonly references?: readonly {
    readonly table: string
    readonly column: string
    readonly in: string
    readonly key: string
  }[]
  /** `holds` is an SQL condition over a row of the table; a row for which it is false breaks the rule. `rule` says it in words. */
  readonly checks?: readonly { readonly table: string; readonly rule: string; readonly holds: string }[]
}
