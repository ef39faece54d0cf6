import type { Check } from '../../model/check.ts'
import type { Finding, Severity } from '../../model/finding.ts'
import type { RoleFacts } from './take.ts'

/** Roles that requests and the platform's own servers work as: a change of one is a change for every user. */
const platformRoles: ReadonlySet<string> = new Set([
  'anon',
  'authenticated',
  'authenticator',
  'service_role',
  'supabase_auth_admin',
  'supabase_storage_admin',
])

/** Settings that decide what a request reaches, or whether it can write at all. */
const decisive =
  /^(role|search_path|row_security|default_transaction_read_only|session_replication_role|pgrst\.db_schemas|pgrst\.db_pre_request|pgrst\.db_anon_role|pgrst\.jwt_secret)=/

type Change = { readonly text: string; readonly severity: Severity }

/**
 * What the migrations did to the roles. Roles belong to the cluster and not to a database, so whatever is compared
 * afterwards has the new rights on both sides: nothing else can tell.
 */
export function compareRoles(
  before: ReadonlyMap<string, RoleFacts>,
  after: ReadonlyMap<string, RoleFacts>,
): { findings: Finding[]; checks: Check[] } {
  const names = [...new Set([...before.keys(), ...after.keys()])].toSorted()
  const findings = names.flatMap((name) => {
    const known = (one: string) => before.get(name)?.memberOf.includes(one) && after.get(name)?.memberOf.includes(one)
    // What a role has through another one that it always had is told there.
    const passedOn = (one: string) =>
      [...before.keys()].some(
        (other) =>
          known(other) && before.get(other)?.memberOf.includes(one) !== after.get(other)?.memberOf.includes(one),
      ) ||
      // Whoever creates a role becomes its administrator.
      (name === 'postgres' && !before.has(one))
    const changes = changesOf(before.get(name), after.get(name), platformRoles.has(name), passedOn)
    const severity = (['blocking', 'warning', 'info'] as const).find((one) =>
      changes.some((own) => own.severity === one),
    )
    return severity === undefined ? [] : [finding(name, changes, severity)]
  })
  const failed = findings.some(({ severity }) => severity === undefined)
  const check: Check = {
    id: 'access.roles',
    metric: 'access',
    title: 'What the roles may do, compared',
    required: true,
    status: failed ? 'failed' : 'passed',
    summary: `${before.size} roles were compared with their attributes, memberships and settings: ${findings.length} changed.`,
    numbers: { roles: before.size, rolesChanged: findings.length },
  }
  return { findings, checks: [check] }
}

function changesOf(
  old: RoleFacts | undefined,
  now: RoleFacts | undefined,
  platform: boolean,
  passedOn: (role: string) => boolean,
): Change[] {
  const harm: Severity = platform ? 'blocking' : 'warning'
  if (now === undefined) return [{ text: 'The role is gone, or has another name.', severity: harm }]
  if (old === undefined) {
    const strong = now.attributes.some((attribute) => /superuser|bypassrls|login/.test(attribute))
    const rights = [
      ...now.attributes.filter((one) => one !== 'inherit'),
      ...now.memberOf.map((one) => `member of ${one}`),
    ]
    const text = `The role is new${rights.length > 0 ? `: ${rights.join(', ')}` : ''}.`
    return [{ text, severity: strong ? 'warning' : 'info' }]
  }
  const attributes = both(old.attributes, now.attributes)
  const members = both(old.memberOf, now.memberOf)
  return [
    ...attributes.added.map((one) => ({ text: `It has the attribute ${one} now.`, severity: harm })),
    ...attributes.gone.map((one) => ({ text: `It has no attribute ${one} any more.`, severity: harm })),
    // A token that names it can take on a role of the app's own: a choice, which the policies of that role limit.
    ...members.added
      .filter((one) => !passedOn(one))
      .map((one) => ({
        text: `It has the rights of ${one} now.`,
        severity: old.name === 'authenticator' && !platformRoles.has(one) && one !== 'postgres' ? 'warning' : harm,
      })),
    ...members.gone
      .filter((one) => !passedOn(one))
      .map((one) => ({ text: `It has no rights of ${one} any more.`, severity: harm })),
    ...settingChanges(old.settings, now.settings, platform),
    // The migrations' own session may set that of postgres.
    ...(old.password !== now.password && old.name !== 'postgres'
      ? [{ text: 'Its password is another.', severity: harm }]
      : []),
  ]
}

function settingChanges(old: readonly string[], now: readonly string[], platform: boolean): Change[] {
  const { added, gone } = both(old, now)
  const set = new Set(added.map(nameOf))
  const all = [
    ...added.map((one) => ({ one, text: `${nameOf(one)} is set to another value.` })),
    ...gone.filter((one) => !set.has(nameOf(one))).map((one) => ({ one, text: `${nameOf(one)} is not set any more.` })),
  ]
  const told = all.filter(({ one }) => !(platform && isClock(one)))
  return told.map(({ one, text }) => ({ text, severity: platform && decisive.test(one) ? 'blocking' : 'warning' }))
}

/** What a session's clock shows is told by the dates. */
const isClock = (setting: string) => /^timezone=/i.test(setting)

const nameOf = (setting: string) => setting.slice(0, setting.indexOf('='))

function both(old: readonly string[], now: readonly string[]) {
  return {
    added: now.filter((one) => !old.includes(one)),
    gone: old.filter((one) => !now.includes(one)),
  }
}

function finding(role: string, changes: readonly Change[], severity: Severity): Finding {
  const [first] = changes.filter((change) => change.severity === severity)
  const texts = changes.map(({ text }) => text)
  return {
    kind: 'access.role-changed',
    object: role,
    title: `Role ${role}: ${(first?.text ?? '').replace(/^(It has|Its|The) /, (word) => word.toLowerCase())}`,
    evidence: [...texts, 'Roles hold for the whole server: the row sets of both sides were read with the new rights.'],
    ...(severity === 'blocking' ? {} : { severity }),
  }
}
