import type { Connection } from '../../../database/engine.ts'
import type { Policy, Relation } from '../facts.ts'

/** A column as far as a value has to be found for it. */
export type Column = {
  readonly name: string
  readonly type: string
  readonly category: string
  /** A row may be left without a value for it. */
  readonly isOptional: boolean
  readonly isGenerated: boolean
  readonly labels: readonly string[]
  readonly refers: { readonly schema: string; readonly table: string; readonly column: string } | null
  /** Its values are ids of users, by a foreign key to auth.users or to a table whose key is one. */
  readonly isUser: boolean
  /** Texts in the checks that name it. */
  readonly words: readonly string[]
}

export async function readColumns(session: Connection, { oid }: Pick<Relation, 'oid'>): Promise<Column[]> {
  const { rows } = await session.query<Column>(
    `with fk as (select k.conrelid, k.conkey[1] as attnum, k.confrelid, k.confkey[1] as target from pg_constraint k
       where k.contype = 'f' and cardinality(k.conkey) = 1),
     person as (select to_regclass('auth.users')::oid as oid union select p.conrelid from pg_constraint p
       join fk on fk.conrelid = p.conrelid and p.conkey = array[fk.attnum] and fk.confrelid = to_regclass('auth.users') where p.contype = 'p')
     select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, coalesce(b.typcategory, t.typcategory) as category,
       not a.attnotnull or a.atthasdef or a.attidentity <> '' as "isOptional", a.attgenerated <> '' as "isGenerated",
       (select coalesce(json_agg(e.enumlabel order by e.enumsortorder), '[]') from pg_enum e where e.enumtypid = coalesce(b.oid, t.oid)) as labels,
       (select json_build_object('schema', n.nspname, 'table', c.relname, 'column', f.attname)
         from fk join pg_class c on c.oid = fk.confrelid join pg_namespace n on n.oid = c.relnamespace
         join pg_attribute f on f.attrelid = fk.confrelid and f.attnum = fk.target
         where fk.conrelid = a.attrelid and fk.attnum = a.attnum limit 1) as refers,
       exists (select from fk join person on person.oid = fk.confrelid where fk.conrelid = a.attrelid and fk.attnum = a.attnum) as "isUser",
       (select coalesce(json_agg(distinct word[1]), '[]') from pg_constraint k, regexp_matches(pg_get_constraintdef(k.oid), '''([^'']*)''::', 'g') as word
         where k.contype = 'c' and k.conrelid = a.attrelid and k.conkey @> array[a.attnum]) as words
     from pg_attribute a join pg_type t on t.oid = a.atttypid left join pg_type b on b.oid = nullif(t.typbasetype, 0)
     where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum`,
    [oid],
  )
  return rows
}

/** What policies ask of a column by itself: that it is the caller, a word, or true. */
export type Asked = { readonly isCaller: boolean; readonly words: readonly string[]; readonly isNamed: boolean }

export function askedOf(column: string, policies: readonly Policy[]): Asked {
  const text = policies.map(({ using, check }) => `${using ?? ''} ${check ?? ''}`).join(' ')
  const name = column.replaceAll(/[^A-Za-z0-9_]/g, (character) => `\\${character}`)
  const side = `"?\\b${name}\\b"?\\)?(?:::\\w+)?`
  const caller = `\\(*(?:SELECT )?\\(*auth\\.(?:uid\\(\\)|jwt\\(\\) ->> 'sub')`
  return {
    isCaller: new RegExp(
      `${side} = ${caller}|auth\\.uid\\(\\)(?: AS uid)?\\)*(?:::\\w+)? = \\(?(?:\\w+\\.)?${side}`,
    ).test(text),
    words: [...new Set([...text.matchAll(new RegExp(`${side} = '([^']*)'::`, 'g'))].map(([, word]) => word ?? ''))],
    isNamed: new RegExp(`\\b${name}\\b`).test(text),
  }
}
