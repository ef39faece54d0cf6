/** What deciding a login depends on, for every user of one side. Addresses, phones and passwords are hashes made in the server. */
export type LoginFacts =
  | ({ readonly state: 'read'; readonly users: ReadonlyMap<string, UserFacts> } & Tokens)
  /** The dump has no auth.users. */
  | { readonly state: 'absent'; readonly reason: string }

type Tokens = {
  /** By identity id. */
  readonly identities: ReadonlyMap<string, IdentityFacts>
  /** Verified factors, by id. */
  readonly factors: ReadonlyMap<string, { readonly user: string; readonly secret: string }>
  /** Sessions that are not over, by id. */
  readonly sessions: ReadonlyMap<string, { readonly user: string; readonly tokens: string }>
}

export type UserFacts = {
  /** Of the address in lower case, as GoTrue looks it up; empty without one. */
  readonly email: string
  /** GoTrue lowers what is typed, so an address stored otherwise is never found. */
  readonly emailIsLower: boolean
  readonly phone: string
  /** Of the password's hash; empty for a user without a password. */
  readonly password: string
  readonly confirmed: boolean
  readonly banned: boolean
  readonly deleted: boolean
  /** Of what else GoTrue finds a user by: instance, audience; and the role that its tokens get. */
  readonly scope: string
}

export type IdentityFacts = { readonly user: string; readonly provider: string; readonly subject: string }
