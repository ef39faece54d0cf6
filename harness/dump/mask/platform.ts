import type { MaskAs } from './masks.ts'
import { kindOfName } from './names.ts'

/**
 * What the platform's own tables hold of persons and secrets, where the name of a column does not say it. The links
 * between auth.users, auth.identities and the app's profiles hold, since one value has one mask.
 */
const platformColumns: Readonly<Record<string, Readonly<Record<string, MaskAs>>>> = {
  'auth.audit_log_entries': { payload: 'user-json', ip_address: 'ip' },
  'auth.custom_oauth_providers': { client_secret: 'token' },
  'auth.flow_state': { auth_code: 'token', code_challenge: 'token' },
  'auth.identities': { identity_data: 'user-json', provider_id: 'subject' },
  'auth.mfa_challenges': { otp_code: 'token', web_authn_session_data: 'text' },
  'auth.mfa_factors': { friendly_name: 'name', web_authn_credential: 'text', last_webauthn_challenge_data: 'text' },
  'auth.oauth_authorizations': { authorization_code: 'token', code_challenge: 'token' },
  'auth.one_time_tokens': { relates_to: 'contact' },
  'auth.refresh_tokens': { token: 'token', parent: 'token' },
  'auth.sessions': { user_agent: 'text', refresh_token_hmac_key: 'token' },
  'auth.users': {
    email_change: 'email',
    phone_change: 'phone',
    encrypted_password: 'password',
    raw_user_meta_data: 'user-json',
    confirmation_token: 'token',
    recovery_token: 'token',
    email_change_token_new: 'token',
    email_change_token_current: 'token',
    phone_change_token: 'token',
    reauthentication_token: 'token',
  },
  'auth.webauthn_challenges': { session_data: 'text' },
  'auth.webauthn_credentials': { friendly_name: 'name', credential_id: 'token', public_key: 'token' },
  'vault.secrets': { secret: 'token' },
}

/** How a column of auth or vault is masked, whether or not anything is to be looked for; undefined: not, or not theirs. */
export function platformMask(table: string, column: string): MaskAs | undefined {
  const own = platformColumns[table]?.[column]
  if (own !== undefined || !/^(auth|vault)\./.test(table)) return own
  return kindOfName(column)
}
