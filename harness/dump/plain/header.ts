/** The comment that pg_dump writes in front of an entry. */
export type EntryHeader = {
  readonly type: string
  readonly schema?: string
  readonly name: string
  readonly owner: string
}

const pattern =
  /^-- (?:Data for |Statistics for )?Name: (.*); Type: ([A-Z][A-Z ]*); Schema: (.*?); Owner: ?(.*?)(?:; Tablespace: .*)?$/

export function readHeader(comment: string): EntryHeader | undefined {
  const [, name, type, schema, owner = ''] = pattern.exec(comment) ?? []
  if (name === undefined || type === undefined) return undefined
  return {
    type,
    ...(schema === undefined || schema === '-' ? {} : { schema }),
    // Grants on many large objects stand here one by one, not once for all as in an archive.
    name: name.replace(/^LARGE OBJECTS /, 'LARGE OBJECT '),
    owner: owner === '-' ? '' : owner,
  }
}

/** Other comments of pg_dump and pg_dumpall that say something of the whole script. */
export function readRemark(
  comment: string,
):
  | { readonly is: 'dump' | 'dump complete' | 'cluster' | 'cluster complete' | 'through parent' }
  | { readonly is: 'server version'; readonly version: string }
  | undefined {
  switch (comment) {
    case '-- PostgreSQL database dump':
      return { is: 'dump' }
    case '-- PostgreSQL database dump complete':
      return { is: 'dump complete' }
    case '-- PostgreSQL database cluster dump':
      return { is: 'cluster' }
    case '-- PostgreSQL database cluster dump complete':
      return { is: 'cluster complete' }
  }
  if (comment.startsWith('-- load via partition root ')) return { is: 'through parent' }
  const version = /^-- Dumped from database version (\S+)/.exec(comment)?.[1]
  return version === undefined ? undefined : { is: 'server version', version }
}
