import type { FindingKind } from '../../model/finding.ts'
import { of, type Proof } from './test-proof.ts'
import { performanceProofs } from './test-proofs-of-performance.ts'

const twin = (file: string, does: string): Proof => {
  const place = `fixtures/sabotage/functions/${file}.ts (fixtures/sabotage/functions/${file}.test.ts) › ${does}`
  return { trigger: place, nearMiss: place }
}
const schema = 'harness/snapshot/schema/test-cases.ts (harness/snapshot/schema/compare-schema.test.ts)'
const ledger = 'harness/snapshot/ledger/compare-ledger.test.ts'
const logins = 'harness/snapshot/logins/logins.test.ts'
const access = 'harness/snapshot/access/test-migrations.ts (harness/snapshot/access/access.test.ts)'
const recipients = 'harness/snapshot/recipients/recipients.test.ts'
const restoring = 'harness/dump/restore.test.ts'
const circle = 'dependencies that go in a circle, or lead nowhere, keep nothing from being restored'
const suites = 'harness/verdict/suites.test.ts'
const quiet = 'a test that passes on both sides, as one without its contract, is no finding'
const jobs = 'harness/snapshot/jobs/test-cases.ts (harness/jobs-stage.test.ts)'
const wayBack = 'that brings everything back, and keeps what was written, is no finding'

export const proofs: Readonly<Record<FindingKind, Proof>> = {
  'restore.entry-failed': of(
    restoring,
    'rows that break a constraint are told as missing, and the constraint as not there',
    circle,
  ),
  'restore.entry-refused': {
    trigger: `${restoring} › keep nothing else from being restored, and each is told with its reason`,
    nearMiss: 'harness/dump/findings.test.ts › an extension that the server has is itself, and no finding',
  },
  'restore.rows-missing': of(
    restoring,
    'rows that break a constraint are told as missing, and the constraint as not there',
    circle,
  ),
  'restore.differs-from-capture': of(
    'harness/snapshot/fingerprints/compare.test.ts',
    'each difference is named',
    'the same rows are no finding, and neither are tables that only the copy has',
  ),
  'restore.extension-stubbed': of(
    'harness/dump/findings.test.ts',
    'an extension that the server lacks is told as a stub, with what it does not do',
    'an extension that the server has is itself, and no finding',
  ),
  'restore.role-created': of(
    'harness/dump/findings.test.ts',
    'a role that the dump only names is made, and told',
    'a role of the platform is there, and no finding',
  ),
  'restore.newer-server': of(
    restoring,
    'a server of another major version is told, another minor one is not',
    'its checks pass and its findings name the roles made',
  ),
  'restore.not-in-dump': {
    trigger: 'harness/dump/plain/cli.test.ts › leave things out, and every one of them is told',
    nearMiss: 'harness/dump/findings.test.ts › an archive holds all of production: nothing of it is told as left out',
  },
  'restore.references-broken': of(
    'harness/dump/plain/cli.test.ts',
    'rows that refer to nobody are reported: they are loaded while nothing checks them',
    'rows that fit are no finding',
  ),
  'migration.failed': of(
    'harness/migrations/apply.test.ts',
    'a statement that must run alone, with others beside it, makes the file not atomic',
    'a statement that must run alone, in a file of its own, leaves no parts',
  ),
  'migration.not-atomic': of(
    'harness/migrations/crash-sweep.test.ts',
    'and does its work twice when it is run again is stuck, with the table',
    'in a file of one transaction leaves everything as before, and no session',
  ),
  'migration.out-of-order': of(
    'harness/migrations/pending.test.ts',
    'is out of order',
    'is in order when it is newer by number, though not by text',
  ),
  'migration.same-number': of(
    'harness/migrations/pending.test.ts',
    'are both pending, with a warning',
    'are no concern once both were applied',
  ),
  'migration.edited-after-applied': of(
    'harness/migrations/pending.test.ts',
    'that says something else than the history was edited',
    'white space and comments',
  ),
  'migration.missing-file': of(
    'harness/migrations/pending.test.ts',
    'is a warning',
    'is in order when it is newer by number, though not by text',
  ),
  'migration.not-repeatable': of(
    'harness/migrations/crash-sweep.test.ts',
    'and fail, or do their work once more, are told',
    'and change nothing are not',
  ),
  'migration.guards-off': of(
    'harness/migrations/bad-input.test.ts',
    'set local row_security = off;',
    'set row_security = on',
  ),
  'migration.lint': of(
    'harness/migrations/lint.test.ts',
    'warns of what locks or breaks production, once for a rule and file, with its line',
    'is silent about a column that may be empty, an index built beside the traffic, and what is no SQL',
  ),
  'schema.object-dropped': of(schema, 'a dropped table', 'a renamed table'),
  'schema.column-dropped': of(schema, 'a dropped column beside a new one', 'a renamed column'),
  'schema.type-changed': of(schema, 'a column of another type', 'a column with another default'),
  'schema.constraint-not-validated': of(
    schema,
    'a constraint that is not validated',
    'a constraint that was not validated before either',
  ),
  'schema.index-invalid': of(
    schema,
    'an index whose concurrent build fails',
    'an index whose concurrent build succeeds',
  ),
  'schema.differs-from-dev': of(
    'harness/development.test.ts',
    'names what is missing, extra and different, and emits only what adds: it loses nothing and the rest is what is left',
    'that is the same is told so, from a file and from a server',
  ),
  'schema.changed': of(schema, 'a column with another default', 'a trigger made again'),
  'data.rows-deleted': of(
    ledger,
    'deleted rows are named by their keys',
    'a row that is deleted and inserted again with the same values is no difference',
  ),
  'data.values-changed': of(
    ledger,
    'a value that is overwritten is changed',
    'a value that is written over by itself is no difference',
  ),
  'data.column-lost': of(
    ledger,
    'a column that goes loses its values',
    'a column without a value that goes loses nothing',
  ),
  'data.values-moved': of(
    ledger,
    'a column that is copied before it goes is moved',
    'a default of a new column is not where an old value went',
  ),
  'data.values-filled': of(ledger, 'NULL that became a value is filled', 'a value set to NULL is changed'),
  'data.rows-touched': of(
    ledger,
    'rows of which only updated_at changed are touched',
    'an updated_at that is emptied is changed, not touched',
  ),
  'data.rows-inserted': of(
    ledger,
    'added rows are named by their keys',
    'a table that became partitioned keeps its rows',
  ),
  'data.orphans': of(
    ledger,
    'orphans that a migration makes block, old ones are a warning, and a validated key counts only once',
    'a column that only sounds like a reference has no orphans',
  ),
  'data.sequence-behind': of(
    ledger,
    'a sequence that falls behind blocks, one that was behind is a warning',
    'rows inserted by their sequence leave it ahead',
  ),
  'data.corrupt': of(
    'harness/snapshot/ledger/corruption.test.ts',
    'a comparison that changed under an index makes it wrong',
    'a comparison that changed, with the index built again, does not',
  ),
  'auth.user-lost': of(logins, 'a deleted user', 'a new user'),
  'auth.login-fails': of(logins, 'an address in capitals', 'an address put into lower case'),
  'auth.password-changed': of(logins, 'an emptied password', 'a password written over by itself'),
  'auth.identity-lost': of(logins, 'a deleted identity', 'an identity that was used'),
  'auth.signup-fails': of(logins, 'a dropped sign-up trigger', 'a sign-up trigger under another name'),
  'auth.login-gained': of(logins, 'a lifted ban', 'a ban that is over, taken away'),
  'auth.claims-changed': of(logins, 'a claim of the app in the metadata', 'no metadata instead of an empty one'),
  'access.rows-lost': of(access, 'a dropped policy', 'two policies made one'),
  'access.rows-gained': of(access, 'a policy opened to anon', 'a policy written anew with the same meaning'),
  'access.write-lost': of(access, 'a revoked write', 'a check written anew with the same meaning'),
  'access.write-gained': of(
    access,
    'a check that is gone from an update',
    'a check written anew with the same meaning',
  ),
  'access.rls-disabled': of(access, 'a new table without RLS', 'a new table behind RLS'),
  'access.role-changed': of('harness/snapshot/roles/roles.test.ts', 'BYPASSRLS for anon', 'nothing'),
  'access.policy-unexercised': of(
    'harness/snapshot/access/evidence.test.ts',
    'coverage: policies that nobody puts to the proof are named, as a warning where the migrations touch them',
    'coverage: a policy that lets somebody through and refuses somebody is not named, though the migrations touch it',
  ),
  'feature.regressed': of(suites, 'a regressed test blocks, and counts for the metric of its folder', quiet),
  'feature.fails': of(suites, 'a test that fails on both sides and one that is fixed are told apart', quiet),
  'feature.answer-changed': of('harness/snapshot/api/answers.test.ts', 'another value', 'a column that is new'),
  'feature.api-removed': of(
    'harness/snapshot/api/description.test.ts',
    'a relation, a column and a call that are not described any more are told, once',
    'what is added, or may be written no more, is no loss',
  ),
  'feature.api-added': of(
    'harness/snapshot/schema/compare-schema.test.ts',
    'blocks when the Data API offers less, by name, and tells what is new',
    'tells no table or column as new that the Data API offers to nobody',
  ),
  'feature.job-removed': of(jobs, 'a job that is taken away', 'a job that is scheduled anew as it was'),
  'feature.job-fails': of(
    jobs,
    'a table that a job cleans under another name',
    'a table under another name, and the job with it',
  ),
  'feature.job-changed': of(jobs, 'another schedule', 'half of the rows that a job cleans'),
  'feature.fixed': of(suites, 'a test that fails on both sides and one that is fixed are told apart', quiet),
  ...performanceProofs,
  'rollback.failed': of(
    'harness/migrations/rollback.test.ts',
    'that fail end the way back, are rolled back, and block',
    "the planner's migrations apply, and its scripts take them back",
  ),
  'rollback.incomplete': of(
    'harness/rollback.test.ts',
    'that leaves a policy or a row behind fails its own check',
    wayBack,
  ),
  'rollback.missing': of(
    'harness/migrations/rollback.test.ts',
    'that are missing, or belong to no migration, are warnings',
    "the planner's migrations apply, and its scripts take them back",
  ),
  'rollback.loses-new-data': of(
    'harness/rollback.test.ts',
    'that drops a column or a table takes what was entered there',
    'that copies a column back before it drops it takes nothing',
  ),
  'mail.wrong-recipient': of(recipients, 'another address', 'the same address in other letters'),
  'mail.missing-recipient': of(recipients, 'a membership that is gone', 'a membership that is written anew'),
  'mail.duplicate': of(recipients, 'a member twice', 'a member twice who already was'),
  'mail.over-limit': twin('limit-twins', 'has a window that is too short'),
  'mail.lost-on-failure': twin('limit-twins', 'keeps its claims on mails that failed'),
  'mail.malformed': of(
    'harness/mail-stage.test.ts',
    'a function that sends one bad mail and logs a token is told, kind by kind',
    'one that sends the same as it should is fine, whatever the title says',
  ),
  'egress.attempted': twin('job-twins', 'calls another host'),
  'secret.exposed': of(
    'harness/mail-stage.test.ts',
    'a function that sends one bad mail and logs a token is told, kind by kind',
    'one that sends the same as it should is fine, whatever the title says',
  ),
  'date.shifted': of('harness/snapshot/dates/zones.test.ts', 'the role that requests log in as', 'another name of UTC'),
  'expectation.unmatched': of(
    'harness/verdict/decide.test.ts',
    'is go with warnings: a declaration and a waiver that matched nothing are said',
    'does not call an expectation unmatched when its migration was not applied or a stage failed',
  ),
  'waiver.expired': of(
    'harness/verdict/waivers.test.ts',
    'past its date says what it would have covered',
    'is valid on its last day, and not on the next',
  ),
  'waiver.unmatched': of(
    'harness/verdict/decide.test.ts',
    'is go with warnings: a declaration and a waiver that matched nothing are said',
    'is go when the finding is declared, or waived for the time being',
  ),
}
