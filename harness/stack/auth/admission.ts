import type { Account } from './account.ts'

/** What an account asks for. */
export type AuthStep = 'password' | 'link' | 'refresh' | 'verify' | 'authenticated'

/** An answer in GoTrue's shape: `{ code, error_code, msg }`. */
export type Refusal = { readonly status: 400 | 403 | 422 | 501; readonly errorCode: string; readonly message: string }

const credentials: Refusal = { status: 400, errorCode: 'invalid_credentials', message: 'Invalid login credentials' }

/** Not GoTrue's: to say "wrong password" where the password was not looked at would be false. */
const unknownHash: Refusal = {
  status: 501,
  errorCode: 'not_implemented',
  message: 'This Auth checks bcrypt passwords only, and this account has another kind of hash.',
}

/** As for an address that is nobody's: `internal/api/otp.go` with `create_user: false`. */
const nobody: Refusal = { status: 422, errorCode: 'otp_disabled', message: 'Signups not allowed for otp' }

/**
 * Whether GoTrue would go on with this account, decided before the Auth server is asked, which knows neither bans nor
 * soft deletion. Status and codes are GoTrue's: `internal/api/token.go` (password, refresh), `verify.go`, `auth.go`.
 * A softly deleted account has lost its e-mail and password there, so it is answered like one that does not exist.
 */
export function refusalFor(account: Account, step: AuthStep): Refusal | undefined {
  switch (step) {
    case 'password':
      if (account.deleted || !account.byAddress) return credentials
      if (account.banned) return { status: 400, errorCode: 'user_banned', message: 'User is banned' }
      return account.password === 'other' ? unknownHash : undefined
    case 'link':
      // The ban is told when the link is followed.
      return account.deleted || !account.byAddress ? nobody : undefined
    case 'refresh':
      if (account.deleted) {
        const message = 'Invalid Refresh Token: Refresh Token Not Found'
        return { status: 400, errorCode: 'refresh_token_not_found', message }
      }
      if (account.banned)
        return { status: 400, errorCode: 'user_banned', message: 'Invalid Refresh Token: User Banned' }
      if (account.sessionExpired) {
        return { status: 400, errorCode: 'session_expired', message: 'Invalid Refresh Token: Session Expired' }
      }
      return undefined
    case 'verify':
      if (account.deleted) {
        return { status: 403, errorCode: 'otp_expired', message: 'Email link is invalid or has expired' }
      }
      return account.banned ? { status: 403, errorCode: 'user_banned', message: 'User is banned' } : undefined
    case 'authenticated':
      if (account.deleted) {
        return { status: 403, errorCode: 'user_not_found', message: 'User from sub claim in JWT does not exist' }
      }
      return account.banned ? { status: 403, errorCode: 'user_banned', message: 'User is banned' } : undefined
  }
}
