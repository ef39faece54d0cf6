import { createHash } from 'node:crypto'
import type { Check } from '../../model/check.ts'
import type { Finding, FindingKind } from '../../model/finding.ts'
import type { Mailing, Person } from '../../model/people-sql.ts'
import { changeOf, type RecipientChange, reasonOf } from './change.ts'
import { nameOf, type RecipientFacts } from './take.ts'

const shown = 20

const plan = {
  id: 'features.recipients',
  metric: 'features',
  title: 'Who is mailed about what compared',
} as const

/** The check of a config that does not say who is mailed. */
export const recipientsNotConfigured: Check = {
  ...plan,
  required: false,
  status: 'not configured',
  reason: 'it needs contracts.notifications, contracts.resource and contracts.membership',
}

/**
 * Who is mailed about a resource after the migrations and was not before, who no longer is, at which other address, and
 * who would be mailed twice; one finding for each reason. Who caused a mail gets none on either side: as anybody may
 * cause one, the sets are compared whole. Pure.
 */
export function compareRecipients(
  facts: RecipientFacts,
  mailing: Mailing,
): { readonly findings: readonly Finding[]; readonly checks: readonly Check[] } {
  const changes = changesOf(facts, mailing)
  const findings = findingsOf(changes, mailing)
  return { findings, checks: [checkOf(facts, changes, findings, mailing)] }
}

type Told = RecipientChange & Pick<Person, 'key' | 'id'>

function changesOf({ people, rewritten }: RecipientFacts, mailing: Mailing): readonly Told[] {
  const was = byName(people.before)
  const is = byName(people.after)
  const names = [...new Set([...was.keys(), ...is.keys()])].sort()
  return names.flatMap((name) => {
    const [old = [], now = []] = [was.get(name), is.get(name)]
    const [person] = [...now, ...old]
    if (person === undefined) return []
    const { key, id } = person
    return changeOf(old, now, { mailing, rewritten: rewritten.has(name) }).map((change) => ({ ...change, key, id }))
  })
}

function byName(people: readonly Person[]): ReadonlyMap<string, readonly Person[]> {
  const found = new Map<string, Person[]>()
  for (const person of people) {
    const rows = found.get(nameOf(person)) ?? []
    rows.push(person)
    found.set(nameOf(person), rows)
  }
  return found
}

const kinds: Readonly<Record<RecipientChange['what'], FindingKind>> = {
  gained: 'mail.wrong-recipient',
  moved: 'mail.wrong-recipient',
  lost: 'mail.missing-recipient',
  doubled: 'mail.duplicate',
}

function findingsOf(changes: readonly Told[], mailing: Mailing): readonly Finding[] {
  const groups = new Map<string, Told[]>()
  for (const change of changes) {
    const group = [change.what, change.cause, change.object, change.column ?? ''].join('\0')
    const own = groups.get(group)
    if (own === undefined) groups.set(group, [change])
    else own.push(change)
  }
  return [...groups].sort(([one], [other]) => (one < other ? -1 : 1)).flatMap(([, group]) => finding(group, mailing))
}

function finding(group: readonly Told[], { resource }: Mailing): readonly Finding[] {
  const [first] = group
  if (first === undefined) return []
  const { what, object, column, harmless } = first
  const resources = new Set(group.map(({ key }) => key)).size
  const said = {
    gained: `${recipients(group.length)} more of mails about ${resources.toLocaleString('en-US')} rows of ${resource.table}`,
    moved: `${recipients(group.length)} of mails about ${resources.toLocaleString('en-US')} rows of ${resource.table} reached at another address`,
    lost: `${recipients(group.length)} fewer of mails about ${resources.toLocaleString('en-US')} rows of ${resource.table}`,
    doubled: `${recipients(group.length)} of mails about ${resources.toLocaleString('en-US')} rows of ${resource.table} there twice`,
  }[what]
  return [
    {
      kind: kinds[what],
      object,
      ...(column === undefined ? {} : { columns: [column] }),
      ...(harmless ? { severity: 'info' as const } : {}),
      title: `${said}: ${reasonOf(first)}.`,
      evidence: [
        `A recipient is counted once for each resource; ${people(group)} in all.`,
        pairs(group),
        ...(group.some(({ key, id }) => !impersonal.test(key) || !impersonal.test(id))
          ? ['Keys that may be texts of people are shown as the beginning of their MD5: left(md5(key::text), 12).']
          : []),
      ],
    },
  ]
}

const recipients = (count: number) => (count === 1 ? '1 recipient' : `${count.toLocaleString('en-US')} recipients`)

function people(group: readonly Told[]): string {
  const count = new Set(group.map(({ id }) => id)).size
  return count === 1 ? '1 user' : `${count.toLocaleString('en-US')} users`
}

function pairs(group: readonly Told[]): string {
  const first = group.slice(0, shown).map(({ key, id }) => `${safe(key)} → ${safe(id)}`)
  const more = group.length - first.length
  return `Resource → user: ${first.join(', ')}${more > 0 ? ` … and ${more.toLocaleString('en-US')} more` : ''}`
}

const impersonal = /^(\d+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

function safe(key: string): string {
  return impersonal.test(key) ? key : `md5:${createHash('md5').update(key).digest('hex').slice(0, 12)}`
}

function checkOf(
  { resources, recipients: all }: RecipientFacts,
  changes: readonly Told[],
  findings: readonly Finding[],
  { resource }: Mailing,
): Check {
  const count = (what: RecipientChange['what']) => changes.filter((change) => change.what === what).length
  const numbers = {
    resourcesBefore: resources.before,
    resourcesAfter: resources.after,
    recipientsBefore: all.before,
    recipientsAfter: all.after,
    recipientsGained: count('gained'),
    recipientsLost: count('lost'),
    recipientsDoubled: count('doubled'),
    addressesChanged: count('moved'),
  }
  if (resources.before > 0 && all.before === 0 && all.after === 0) {
    const reason = `by the contracts nobody would be mailed about any row of ${resource.table}: look at contracts.resource, membership and profile`
    return { ...plan, required: true, status: 'not run', reason, numbers }
  }
  const harm = findings.some(({ severity }) => severity === undefined)
  const changed =
    changes.length === 0
      ? 'the same before and after'
      : `${numbers.recipientsGained.toLocaleString('en-US')} gained, ${numbers.recipientsLost.toLocaleString('en-US')} lost, ${numbers.recipientsDoubled.toLocaleString('en-US')} doubled, ${numbers.addressesChanged.toLocaleString('en-US')} at another address`
  return {
    ...plan,
    required: true,
    status: harm ? 'failed' : 'passed',
    summary:
      resources.before === 0
        ? `${resource.table} has no row before, so there was nothing that anybody is mailed about.`
        : `${all.before.toLocaleString('en-US')} recipients of mails about ${resources.before.toLocaleString('en-US')} rows of ${resource.table}: ${changed}.`,
    numbers,
  }
}
