import type { Check } from '../../model/check.ts'
import type { Finding } from '../../model/finding.ts'
import { platformSchemas } from '../../model/platform-schemas.ts'
import { type FactChange, type Facts, factChanges, type ObjectId } from './delta.ts'
import { objectOf, schemaOf } from './names.ts'
import { type ChangeClass, classOf, statement } from './statements.ts'

/** One difference between production and development, seen from production: what would have to happen to it. */
export type DevelopmentDifference = {
  readonly object: string
  /** Development has it and production does not; the other way round; or both have it otherwise. */
  readonly side: 'missing' | 'extra' | 'different'
  readonly class: ChangeClass
  /** In plain words: `column due_at (timestamptz)`. */
  readonly what: string
}

/** What differs in the app's own schemas, and in its policies and triggers on the platform's tables. Sorted by object. Pure. */
export function developmentDifferences(production: Facts, development: Facts): readonly DevelopmentDifference[] {
  const bases = [production, development]
  return factChanges(production, development)
    .filter((change) => isOfApp(idOf(change)))
    .map(
      (change): DevelopmentDifference => ({
        object: objectOf(idOf(change), bases),
        side: change.verb === 'added' ? 'missing' : change.verb === 'removed' ? 'extra' : 'different',
        class: classOf(change),
        what: statement(change).replace(/^(added|removed|changed): /, ''),
      }),
    )
    .sort((one, other) => (one.object + one.what < other.object + other.what ? -1 : 1))
}

/** A warning for each object that is not as in development, and the check that the plan asks for. Pure. */
export function developmentFindings(differences: readonly DevelopmentDifference[]): {
  readonly findings: readonly Finding[]
  readonly checks: readonly Check[]
} {
  const objects = Map.groupBy(differences, ({ object }) => object)
  const count = (side: DevelopmentDifference['side']) => differences.filter((one) => one.side === side).length
  const numbers = {
    missing: count('missing'),
    extra: count('extra'),
    different: count('different'),
    objects: objects.size,
  }
  return {
    findings: [...objects].map(([object, own]) => ({
      kind: 'schema.differs-from-dev',
      object,
      title: `${object} is not as in development: ${said(own)}.`,
      evidence: own.slice(0, 20).map(({ side, what }) => `${side}: ${what}`),
    })),
    checks: [
      {
        id: 'schema.development',
        metric: 'features',
        title: 'Production after the migrations held against development',
        status: differences.length === 0 ? 'passed' : 'failed',
        required: false,
        summary:
          differences.length === 0
            ? 'The schemas are the same.'
            : `${objects.size} objects differ: ${numbers.missing} things are missing in production, ${numbers.extra} are extra, ${numbers.different} are different.`,
        numbers,
      },
    ],
  }
}

function said(own: readonly DevelopmentDifference[]): string {
  const parts = (['missing', 'extra', 'different'] as const).map(
    (side) => [side, own.filter((one) => one.side === side).length] as const,
  )
  return parts
    .filter(([, count]) => count > 0)
    .map(([side, count]) => `${count} ${side}`)
    .join(', ')
}

export function isOfApp(id: ObjectId): boolean {
  if (id.kind === 'comment' || id.kind === 'acl' || id.kind === 'securityLabel') return isOfApp(id.target)
  const schema = schemaOf(id)
  if (schema === undefined) return id.kind === 'publication' || id.kind === 'publicationRel'
  if ((id.kind === 'policy' || id.kind === 'trigger') && (schema === 'storage' || schema === 'auth')) return true
  return !schema.startsWith('pg_') && !platformSchemas.includes(schema)
}

const idOf = (change: FactChange): ObjectId =>
  change.verb === 'altered' || change.verb === 'owner' ? change.id : change.fact.id
