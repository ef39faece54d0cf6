/** Where something begins: bytes from the start of the script, lines from 1. */
export type ScriptPlace = { readonly offset: number; readonly line: number }

/** Bytes of a script: `end` is the first one after it. */
export type ByteRange = { readonly start: number; readonly end: number }

/**
 * What a psql script is made of, in its order. Rows are never in it, only where they stand.
 * `comment`: a `--` comment between statements. `meta`: a line of psql's own, from its backslash on.
 */
export type ScriptPart =
  | { readonly kind: 'comment' | 'statement' | 'meta'; readonly text: string; readonly place: ScriptPlace }
  | {
      readonly kind: 'copy'
      /** `COPY public.t (a, b) FROM stdin;` */
      readonly text: string
      readonly place: ScriptPlace
      /** Without the `\.` line. */
      readonly rows: ByteRange
    }
  | {
      readonly kind: 'insert'
      /** Up to VALUES, which is not in it: `INSERT INTO public.t (a, b)`. */
      readonly text: string
      readonly place: ScriptPlace
      readonly range: ByteRange
      /** Indexes of the columns, from 0, whose value is DEFAULT in every row: generated ones. */
      readonly defaults: readonly number[]
    }
