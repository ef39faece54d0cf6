/** What deciding a login depends on, for every user of one side. Addresses, phones and passwords are hashes made in the server. */
export type LoginFacts =
  | ({ readonly state: 'read'; readonly users: ReadonlyMap<string, UserFacts> } & Tokens)
  /** The dump has no auth.users. */
  | { readonly state: 'absent'; readonly reason: string }

export type ReadFacts = Extract<LoginFacts, { state: 'read' }>

type Tokens = {
  /** By provider and subject. */
  readonly identities: ReadonlyMap<string, IdentityFacts>
  /** Verified factors, by id. */
  readonly factors: ReadonlyMap<string, { readonly user: string; readonly secret: string }>
  /** The user of each session that is not over, by the session's id. */
  readonly sessions: ReadonlyMap<string, string>
  /** Refresh tokens that are not revoked, by a hash of the token. */
  readonly refreshTokens: ReadonlyMap<string, { readonly user: string; readonly session: string }>
}

export type UserFacts = {
  /** Of the address in lower case, as GoTrue looks it up; empty without one. */
  readonly email: string
  /** GoTrue lowers what is typed, so an address stored otherwise is never found. */
  readonly emailIsLower: boolean
  readonly phone: string
  /** Of the password's hash; empty for a user without a password. */
  readonly password: string
  /** Whether GoTrue can check a password against it, by its form and cost: bcrypt, Argon2 or Firebase's scrypt. */
  readonly passwordIsHash: boolean
  readonly confirmed: boolean
  readonly banned: boolean
  /** Of the moment until which, so that a ban that ends while we look is no change. */
  readonly bannedUntil: string
  readonly deleted: boolean
  /** Of what else GoTrue finds a user by: instance, audience; and the role that its tokens get. */
  readonly scope: string
  /** Columns that GoTrue reads as text that is never NULL, and that are NULL: every request for the user fails. */
  readonly nulls: readonly string[]
  readonly appMetadata: string
  readonly userMetadata: string
}

export type IdentityFacts = { readonly user: string; readonly provider: string; readonly email: string }
