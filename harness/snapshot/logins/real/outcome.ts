/** Somebody to be logged in. Holds an address and a token: never print it. */
export type LoginUser = {
  readonly id: string
  /** As production knows it; empty without one. */
  readonly email: string
  /** For people, without personal data: `google, confirmed, viewer`. */
  readonly kind: string
  /** A refresh token of an open session, for those who have no address to send a link to; else empty. */
  readonly refreshToken: string
  /** The table of the Data API in which a row is the user's own. */
  readonly own?: OwnTable
}

/** `column` holds the user's id. */
export type OwnTable = { readonly schema: string; readonly table: string; readonly column: string }

/** What a client asks of Auth, in its order. `session` is the refresh of a session that production has. */
export type LoginStep = 'password' | 'ask' | 'mail' | 'verify' | 'session' | 'user' | 'refresh' | 'sign out'

/** How one login ended. */
export type LoginOutcome =
  | {
      readonly state: 'in'
      /** The user's id, as the token says it. */
      readonly user: string
      /** A hash of each claim of the token by its path (`app_metadata.plan`), those apart that differ at every login. */
      readonly claims: ReadonlyMap<string, string>
      readonly own: OwnRow
    }
  /** `code`: what Auth answered, in GoTrue's words: `user_banned`, `otp_disabled`, `unexpected_failure`. */
  | { readonly state: 'refused'; readonly step: LoginStep; readonly code: string }
  /** Neither an address nor an open session: there is nothing that a client could do. */
  | { readonly state: 'no way' }

/** Whether the user's own row came through the Data API. `absent`: there is none in the table; else the error's code. */
export type OwnRow =
  | { readonly state: 'seen' | 'hidden' | 'absent' }
  | { readonly state: 'failed'; readonly code: string }

/** All logins of one side. */
export type SideLogins = {
  /** By user id. */
  readonly users: ReadonlyMap<string, LoginOutcome>
  /** In the order of the config. */
  readonly canaries: readonly LoginOutcome[]
  /** SQLSTATEs with which Postgres refused what Auth wrote. */
  readonly sqlstates: readonly string[]
  readonly milliseconds: number
}
