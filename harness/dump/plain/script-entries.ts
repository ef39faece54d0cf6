import { quoteLiteral } from '../../database/identifiers.ts'
import type { Classified, EntryStatement } from './classified.ts'
import { classify } from './classify.ts'
import type { Draft, Segment } from './draft.ts'
import { Drafts } from './drafts.ts'
import { type EntryHeader, readHeader, readRemark } from './header.ts'
import { readMeta } from './meta.ts'
import { keyOf, relationKey } from './object-kinds.ts'
import type { ScriptPart, ScriptPlace } from './parts.ts'
import { roleStatements } from './role-attributes.ts'
import { copyTarget, insertTarget } from './rows-statement.ts'
import { refusedScript } from './script-errors.ts'
import { type ScriptFacts, unknownFacts } from './script-facts.ts'
import { settingEffect } from './settings.ts'

type TextPart = Extract<ScriptPart, { kind: 'statement' | 'comment' | 'meta' }>
type RowsPart = Extract<ScriptPart, { kind: 'copy' | 'insert' }>

/** The database of a project in a dump of its whole cluster. */
const projectDatabase = 'postgres'

/**
 * Makes the entries of a script out of its parts, as the table of contents of an archive has them. Throws
 * `dump.not-supported` at the first statement or psql command that no dump holds: the whole script is refused.
 */
export class ScriptEntries {
  readonly facts: ScriptFacts = unknownFacts()
  readonly #name: string
  readonly #path: string
  readonly #drafts = new Drafts()
  readonly #otherDatabases = new Set<string>()
  #header:
    | { readonly header: EntryHeader; readonly place: ScriptPlace; throughParent: boolean; draft?: Draft }
    | undefined
  #connected: string | undefined
  #restricted: string | undefined
  #accessMethod = ''
  #sessionRole = ''
  /** Whose rows came last, and from which statement: more of the same follow without a gap. */
  #lastRows: { readonly draft: Draft; readonly text: string } | undefined

  /** `name`: for messages. `path`: where its rows are to be read from. */
  constructor({ name, path }: { readonly name: string; readonly path: string }) {
    this.#name = name
    this.#path = path
  }

  add(part: ScriptPart): void {
    switch (part.kind) {
      case 'comment':
        this.#comment(part)
        break
      case 'meta':
        this.#meta(part)
        break
      case 'statement':
        this.#statement(part)
        break
      case 'copy':
      case 'insert':
        this.#rows(part)
    }
  }

  end(): readonly Draft[] {
    this.#closeHeader()
    return this.#drafts.all
  }

  get #elsewhere(): boolean {
    return this.facts.cluster && this.#connected !== undefined && this.#connected !== projectDatabase
  }

  #refuse(place: ScriptPlace, what: string): never {
    throw refusedScript(this.#name, place.line, what)
  }

  #comment({ text, place }: TextPart): void {
    const remark = readRemark(text)
    switch (remark?.is) {
      case 'cluster':
        this.facts.cluster = true
        return
      case 'cluster complete':
        this.facts.clusterComplete = true
        return
      case 'dump':
        this.facts.dumps++
        return
      case 'dump complete':
        this.#closeHeader()
        this.facts.dumpsComplete++
        return
      case 'server version':
        if (!this.#elsewhere) this.facts.serverVersion = remark.version
        return
      case 'through parent':
        if (this.#header) this.#header.throughParent = true
        return
    }
    const header = this.#elsewhere ? undefined : readHeader(text)
    if (!header) return
    this.#closeHeader()
    this.#header = { header, place, throughParent: false }
  }

  /** A header without a statement stands for nothing to do, but for a schema that is always there and for no rows. */
  #closeHeader(): void {
    const open = this.#header
    this.#header = undefined
    if (!open || open.draft) return
    const { type, schema, name } = open.header
    if (type === 'TABLE DATA')
      this.#fromHeader(open, [relationKey({ ...(schema === undefined ? {} : { schema }), name })])
    if (type === 'SCHEMA') this.#fromHeader(open, [], [keyOf({ class: 'schema' }, { name })])
  }

  #meta({ text, place }: TextPart): void {
    const meta = readMeta(text)
    if (meta.is === 'refuse') this.#refuse(place, meta.what)
    if (meta.is === 'restrict' && this.#restricted === undefined) this.#restricted = meta.key
    else if (meta.is === 'unrestrict' && this.#restricted === meta.key) this.#restricted = undefined
    else if (meta.is === 'connect' && this.#restricted === undefined) this.#connect(meta.database, place)
    else this.#refuse(place, `the psql command \\${meta.is} where psql would not take it`)
  }

  #connect(database: string, place: ScriptPlace): void {
    this.#closeHeader()
    const first = this.#connected === undefined
    this.#connected = database
    this.#accessMethod = ''
    this.#sessionRole = ''
    this.#drafts.newDatabase()
    if (this.facts.cluster ? database === projectDatabase : first) this.facts.database = database
    else if (!this.facts.cluster && database !== this.facts.database) this.#refuse(place, 'more databases than one')
  }

  #statement(part: TextPart): void {
    const { text, place } = part
    const statement = classify(text, !this.facts.standardStrings)
    this.facts.reset = false
    if (this.#elsewhere) this.#inOtherDatabase(statement, place)
    else if (statement.is === 'refuse') this.#refuse(place, statement.what)
    else if (statement.is === 'setting') this.#setting(statement.name, statement.value, place)
    else if (statement.is === 'large-object') this.#largeObject(part, statement)
    else if (statement.is === 'drop') this.#drafts.drop(statement.key)
    else if (statement.is !== 'skip') this.#object(statement, part)
  }

  #inOtherDatabase(statement: Classified, place: ScriptPlace): void {
    // What decides how its strings are read is a setting of the session, and the next database sets it anew.
    if (statement.is === 'setting') this.#setting(statement.name, statement.value, place)
    else if (statement.is !== 'skip' && statement.is !== 'drop') this.#otherDatabase(this.#connected ?? '', place)
  }

  #otherDatabase(name: string, place: ScriptPlace): void {
    if (this.#otherDatabases.has(name)) return
    this.#otherDatabases.add(name)
    this.#drafts.add({ is: 'entry', type: 'DATABASE', name, needs: [] }, place)
  }

  #setting(name: string, value: string, place: ScriptPlace): void {
    const effect = settingEffect(name, value)
    if (effect.is === 'refuse') this.#refuse(place, effect.what)
    if (effect.is === 'strings') this.facts.standardStrings = effect.standard
    if (effect.is === 'end') this.facts.reset = true
    if (this.#elsewhere) return
    if (effect.is === 'access method') this.#accessMethod = effect.method
    if (effect.is === 'session role') this.#sessionRole = effect.role
    if (effect.is === 'search path') this.facts.searchPath = effect.path
    if (effect.is === 'replica') this.facts.replica = true
  }

  #object(statement: Extract<Classified, { is: 'entry' | 'part' }>, { text, place }: TextPart): void {
    const own = statement.is === 'entry' ? statement : statement.otherwise
    if (this.#isOtherDatabase(own)) {
      this.#otherDatabase(own.name.replace(/^DATABASE /, ''), place)
      return
    }
    if (this.#sessionRole !== '' && !/ACL$/.test(own.type)) {
      this.#refuse(place, 'an object that is made by its owner: take it without --use-set-session-authorization')
    }
    const texts = own.type === 'ROLE' ? roleStatements(text) : [this.#asSessionRole(text)]
    if (!texts) this.#refuse(place, 'a role in a form that no pg_dumpall writes')
    const open = this.#header
    if (open && !open.draft && this.#drafts.fits(own, open.header))
      this.#fromHeader(open, own.needs, own.key ? [own.key] : [])
    const headed = open?.draft
    const draft =
      headed && (statement.is === 'part' ? !this.#drafts.guarded(own, headed) : this.#drafts.fits(own, headed))
        ? headed
        : this.#drafts.find(statement, place)
    this.#drafts.extend(draft, statement, texts)
    if (this.#accessMethod && /^(TABLE|MATERIALIZED VIEW)$/.test(draft.type)) draft.accessMethod ||= this.#accessMethod
  }

  #isOtherDatabase({ type, name }: EntryStatement): boolean {
    const target = this.facts.cluster ? projectDatabase : this.facts.database
    if (target === undefined || !/^DATABASE|^ACL$/.test(type)) return false
    return type === 'ACL' ? name.startsWith('DATABASE ') && name !== `DATABASE ${target}` : name !== target
  }

  /** Grants of another grantor stand between two settings of the session's role. */
  #asSessionRole(text: string): string {
    if (this.#sessionRole === '') return text
    return `SET SESSION AUTHORIZATION ${quoteLiteral(this.#sessionRole)};\n${text}\nRESET SESSION AUTHORIZATION;`
  }

  #fromHeader(
    open: { readonly header: EntryHeader; readonly place: ScriptPlace; throughParent: boolean; draft?: Draft },
    needs: readonly string[],
    keys: readonly string[] = [],
  ): Draft {
    const { header, place, throughParent } = open
    open.draft = this.#drafts.add({ is: 'entry', ...header, needs }, place, keys)
    if (throughParent) open.draft.statements.push('-- load via partition root')
    return open.draft
  }

  #rows(part: RowsPart): void {
    const { place, text } = part
    this.facts.reset = false
    if (this.#elsewhere) {
      this.#otherDatabase(this.#connected ?? '', place)
      return
    }
    if (part.kind === 'insert' && this.#lastRows?.text === text) {
      const last = this.#lastRows.draft.segments.at(-1)
      if (last) {
        this.#lastRows.draft.segments[this.#lastRows.draft.segments.length - 1] = { ...last, end: part.range.end }
        return
      }
    }
    const target = part.kind === 'copy' ? copyTarget(text) : insertTarget(text, part.defaults)
    if (!target) this.#refuse(place, 'a COPY in a form that no pg_dump writes')
    const open = this.#header?.header.type === 'TABLE DATA' ? this.#header : undefined
    const needs = [relationKey(target.table)]
    if (open && !open.draft) this.#fromHeader(open, needs)
    const draft = this.#drafts.rows(open?.draft, target, place)
    const range = part.kind === 'copy' ? part.rows : part.range
    draft.segments.push(this.#segment(part.kind === 'copy' ? 'copy' : 'inserts', range.start, range.end))
    this.#lastRows = { draft, text }
  }

  #segment(form: Segment['form'], start: number, end: number): Segment {
    return { path: this.#path, form, start, end, standardStrings: this.facts.standardStrings }
  }

  #largeObject({ text, place }: TextPart, { call, oid }: Extract<Classified, { is: 'large-object' }>): void {
    if (call === 'lo_create') {
      const name = oid
      const own: EntryStatement = { is: 'entry', type: 'BLOB', name, needs: [], key: `large object .${name}` }
      const draft = this.#drafts.add({ ...own, owner: this.#header?.header.owner ?? '' }, place, [own.key ?? ''])
      if (this.#header && !this.#header.draft) this.#header.draft = draft
      draft.statements.push(text)
      return
    }
    const open = this.#header?.header.type === 'BLOBS' ? this.#header : undefined
    const draft = open ? (open.draft ?? this.#fromHeader(open, [])) : this.#drafts.largeObjects(place)
    const end = place.offset + Buffer.byteLength(text)
    const first = draft.segments.pop()
    draft.segments.push(this.#segment('large-objects', first?.start ?? place.offset, end))
  }
}
