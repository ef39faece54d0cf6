import type { FindingKind } from '../../model/finding.ts'
import type { FindingRecord } from './record.ts'

export const authFindings = {
  'auth.user-lost': {
    severity: 'blocking',
    metric: 'logins',
    meaning: 'Users of production are gone from auth.users, or can no longer be read by Auth.',
    why: 'They cannot log in, and everything that belongs to them goes with them by cascade.',
    advice: 'Do not touch auth.users in a migration. Declare it only for accounts that are to be deleted.',
    declared: 'object',
    bad: "delete from auth.users where last_sign_in_at < now() - interval '2 years';",
    good: 'Delete accounts one by one through the Auth admin API, after a backup.',
  },
  'auth.login-fails': {
    severity: 'blocking',
    metric: 'logins',
    meaning: 'A user who could log in on the copy of production cannot after the migrations.',
    why: 'It is the first thing that users notice, and nothing else matters to them until it works.',
    advice:
      "Look at triggers on auth.users and auth.sessions, at privileges of supabase_auth_admin, and at values that Auth needs as '' and not as NULL.",
    declared: 'never',
    bad: 'update auth.users set confirmation_token = null;  -- Auth reads it as not null',
    good: 'Leave the columns of auth.users to Auth.',
  },
  'auth.password-changed': {
    severity: 'blocking',
    metric: 'logins',
    meaning: 'The stored password hash of users differs after the migrations.',
    why: 'Their password no longer works.',
    advice: 'Take the statement out. To make users choose a new password, send them the reset mail.',
    declared: 'object',
    bad: 'update auth.users set encrypted_password = …;',
    good: 'auth.resetPasswordForEmail from the app.',
  },
  'auth.identity-lost': {
    severity: 'blocking',
    metric: 'logins',
    meaning: 'Users lost a way to log in: an identity (Google, e-mail …) of theirs is gone.',
    why: 'A user of Google alone has no other way in; the next login may make a second account.',
    advice: 'Keep auth.identities as it is.',
    declared: 'object',
    bad: "delete from auth.identities where provider = 'google';",
    good: 'Turn a provider off in the settings of Auth; the identities stay.',
  },
  'auth.signup-fails': {
    severity: 'blocking',
    metric: 'logins',
    meaning: 'A new user cannot sign up after the migrations.',
    why: 'Auth answers "Database error saving new user" to everyone who tries. It is mostly a trigger on auth.users.',
    advice:
      'Look at the trigger function: search_path, columns without a default, privileges. It must be security definer and must not fail.',
    declared: 'never',
    bad: 'alter table public.profiles add column handle text not null;  -- handle_new_user() does not set it',
    good: 'Add the column with a default, or change handle_new_user() in the same migration.',
  },
} satisfies Partial<Record<FindingKind, FindingRecord>>
