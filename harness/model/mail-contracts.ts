/** Mails that follow an action. In `body`, `{resource}`, `{actor}` and `{message}` are replaced by ids. */
export type NotificationsContract = {
  readonly function: string
  readonly resourceUpdated: {
    readonly body: Readonly<Record<string, string>>
    readonly recipients: 'members-except-actor'
    readonly shows?: readonly Shown[]
    readonly replaces?: Replaced
  }
  /** With `rateLimit`, which says where messages are. */
  readonly chatMessage?: {
    readonly body: Readonly<Record<string, string>>
    readonly recipients: 'members-except-actor'
    readonly shows?: readonly Shown[]
    readonly replaces?: Replaced
  }
  /** Further mails, by a name of your own (`collaborator-added`). */
  readonly kinds?: Readonly<Record<string, NotificationKind>>
}

/** A mail that follows an action. */
export type NotificationKind = {
  /** Default: that of `contracts.notifications`. */
  readonly function?: string
  /**
   * Besides `{resource}` and `{actor}`, these are replaced: `{person}`, the id of the member whom it is about, `{address}`,
   * an address that no user has, and `{row}`, the key of the row below.
   */
  readonly body: Readonly<Record<string, string>>
  /** Who gets it: every member, without who caused it, or without the person, too; the person alone; or who has the address. */
  readonly recipients: 'members-except-actor' | 'members-except-actor-and-person' | 'the-person' | 'the-address'
  /** What the person is when the mail is sent. `removed`: a member until a moment ago. Default: `member`. */
  readonly person?: 'member' | 'removed'
  /** Row that is there when the mail is sent, as an invitation or a message: column → value, replaced as in `body`. */
  readonly row?: { readonly table: string; readonly key: string; readonly values: Readonly<Record<string, string>> }
  /** Roles that may cause it. Default: all. */
  readonly by?: readonly string[]
  readonly shows?: readonly Shown[]
  readonly replaces?: Replaced
}

/** Functions that sent this mail so far and stay for a while: they still answer, and of both called nobody gets two mails. */
export type Replaced = readonly { readonly function: string; readonly body: Readonly<Record<string, string>> }[]

/**
 * What the text of a mail must hold: the title of the resource, the name of who caused it or of the person, a link with
 * the resource's key, or `date`, the start of the resource (`resource.startsAt`) in the reader's time zone
 * (`profile.timeZone`).
 */
export const shownInMails = ['title', 'actor', 'person', 'link', 'date'] as const
export type Shown = (typeof shownInMails)[number]

/** Chat: where messages are, and how many mails a recipient gets for one resource within a window. */
export type RateLimitContract = {
  readonly table: string
  readonly resource: string
  readonly user: string
  readonly text: string
  readonly mails: number
  readonly windowSeconds: number
  /**
   * `resets`: a window after the mail, the next message is mailed again, however many came meanwhile. `slides`: each
   * message begins the window anew. Default: either is fine, as long as no window holds more mails than the limit.
   */
  readonly window?: 'resets' | 'slides'
  /**
   * What the limit held back is told later: by this function, called with the service key when the window is over; or,
   * with `in: 'next-mail'`, by the next mail that goes out. Default: it is not told.
   */
  readonly digest?: { readonly function: string } | { readonly in: 'next-mail' }
}

/** Invitations that are reminded by a scheduled function. */
export type RemindersContract = {
  readonly function: string
  readonly table: string
  readonly key: string
  readonly email: string
  readonly status: string
  /** Value of `status` for an open invitation. */
  readonly pending: string
  readonly invitedAt: string
  /** Days after the invitation on which a reminder is due. */
  readonly afterDays: readonly number[]
  /** Values of `status` for invitations that were answered or taken back: nobody is reminded of them. */
  readonly closed?: readonly string[]
  /** Timestamp column: after it nobody is reminded. */
  readonly expiresAt?: string
  /** Where sent reminders are noted: the column with the invitation's key, and the one that is NULL until the mail was sent. */
  readonly tracking?: { readonly table: string; readonly invitation: string; readonly sentAt: string }
  /** Name of the job of pg_cron that calls the function daily. */
  readonly job?: string
  /**
   * Secrets of the vault that the job reads and that somebody puts there by hand before the deploy, so that production's
   * dump does not have them yet. Any other that it reads and production lacks fails: the job would call nothing.
   */
  readonly secretsByHand?: readonly string[]
  /** How many reminders the first run after the deploy may send, over all of production. */
  readonly mostOnFirstRun?: number
  /** Column with the key of the resource that the invitation is to: the value of `{resource}` below. */
  readonly resource?: string
  /**
   * Called with the service key for one invitation. In `body`, these are replaced: `{row}`, its key, `{address}`, whom it
   * invites, and `{resource}`.
   */
  readonly replaces?: Replaced
}

/** Mails that lead a new user in: the n-th is due so many days after the sign-up. */
export type OnboardingContract = {
  readonly function: string
  readonly afterDays: readonly number[]
  /** Called with the service key for the first mail of one user. In `body`, `{user}`, the id, and `{address}` are replaced. */
  readonly replaces?: Replaced
}
