import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ScriptPart } from './parts.ts'
import { ScriptSplitter, type SplitterOptions } from './split.ts'

function split(
  script: string | Buffer,
  pieces: readonly number[] = [],
  options: Partial<SplitterOptions> = {},
): ScriptPart[] {
  const bytes = Buffer.from(script)
  const splitter = new ScriptSplitter({ path: 'x.sql', ...options })
  const cuts = [...new Set(pieces.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  const parts = [0, ...cuts].flatMap((start, i) => splitter.feed(bytes.subarray(start, cuts[i] ?? bytes.length)))
  return [...parts, ...splitter.end()]
}

const texts = (script: string) => split(script).map((part) => `${part.kind}@${part.place.line} ${part.text}`)

describe('statements end at the semicolons that end them', () => {
  test.each([
    ["select ';', E'\\';', \"a;\"\"b\", 'it''s;';"],
    ['select $$;$$, $a$;$$;$a$, $1;'],
    ['select 1 -- ;\n + /* ; /* ; */ ; */ 2;'],
    ['create rule r as on insert to t do (select 1; select 2);'],
    ['CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END AS end; SELECT t.end FROM t; END;'],
    ['CREATE FUNCTION public.begin() RETURNS int LANGUAGE sql AS $_$ select 1; $_$;'],
    ["select 'a\\';"],
    ['select "Ω;", $Ω$;$Ω$;'],
  ])('%s', (statement) => {
    expect(split(`${statement}\nselect 2;`).map(({ text }) => text)).toEqual([statement, 'select 2;'])
  })

  test('with standard_conforming_strings off, backslashes escape in every string', () => {
    const script =
      "SET standard_conforming_strings = off;\nselect 'it\\';s';\nSET standard_conforming_strings = on;\nselect '\\';"
    expect(split(script).map(({ text }) => text)).toEqual(script.split('\n'))
  })

  test('lines are counted through everything', () => {
    expect(texts('\ufeffselect\n1;\n\n-- Name: x\n/*\n*/ select $$\n\n$$;\\connect postgres\n')).toEqual([
      'statement@1 select\n1;',
      'comment@4 -- Name: x',
      'statement@6 select $$\n\n$$;',
      'meta@8 \\connect postgres',
    ])
  })

  test('Windows line ends change nothing', () => {
    const [copy, next] = split('COPY t FROM stdin;\r\n1\r\n\\.\r\nselect 1;\r\n')
    expect(copy).toMatchObject({ kind: 'copy', rows: { start: 20, end: 23 } })
    expect(next).toMatchObject({ text: 'select 1;', place: { line: 4 } })
  })
})

describe('rows of COPY', () => {
  const rowsOf = (script: string) =>
    split(script).flatMap((part) => (part.kind === 'copy' ? [script.slice(part.rows.start, part.rows.end)] : []))

  test.each([["a\\\\.\n\\N\t';$$/*--\n\\! touch x\n\\\\.\n"], [''], ['\n'], ['\\.x\n'], ['\\.\tx\n']])(
    '%j are left alone up to the line that ends them',
    (rows) => {
      const script = `COPY public.t (a, "from stdin;") FROM stdin;\n${rows}\\.\n\nselect 1;\n`
      expect(rowsOf(script)).toEqual([rows])
      expect(split(script).at(-1)).toMatchObject({ text: 'select 1;' })
    },
  )

  test('may be the last thing, without a newline after them', () => {
    expect(rowsOf('COPY t FROM stdin;\n1\n\\.')).toEqual(['1\n'])
  })
})

describe('INSERT statements', () => {
  test('are kept as a range, with the columns that the database fills', () => {
    const script =
      "INSERT INTO public.t (a, b, c) VALUES (1, DEFAULT, 'x;''(' ),\n\t(-1.5e+7, DEFAULT, NULL) ON CONFLICT DO NOTHING;"
    expect(split(`${script}\n`)).toEqual([
      {
        kind: 'insert',
        text: 'INSERT INTO public.t (a, b, c)',
        place: { offset: 0, line: 1 },
        range: { start: 0, end: script.length },
        defaults: [1],
      },
    ])
    expect(split('INSERT INTO t DEFAULT VALUES;')).toMatchObject([{ text: 'INSERT INTO t DEFAULT', defaults: [] }])
  })

  test.each([
    'INSERT INTO t VALUES (now());',
    'INSERT INTO t VALUES ((select 1));',
    "INSERT INTO t VALUES ('a' || pg_read_file('b'));",
    'INSERT INTO t VALUES (1) RETURNING a;',
    'INSERT INTO t VALUES (1), (1, 2);',
    'INSERT INTO t VALUES (DEFAULT), (1);',
    "INSERT INTO t VALUES (E'\\x41');",
    'INSERT INTO t VALUES (1 /* c */);',
    'INSERT INTO t VALUES (1) \\gexec',
  ])('of anything but literals are refused with the line: %s', (script) => {
    expect(() => split(`select 1;\n${script}`)).toThrow(
      expect.objectContaining({ code: 'dump.not-supported', message: expect.stringContaining('x.sql:2') }),
    )
  })
})

test.each([
  ["select 'a", 'line 1'],
  ['select 1;\n/* a', 'line 2'],
  ['select 1;\nselect', 'line 2'],
  ['COPY t FROM stdin;\n1\n2', 'the rows of the COPY statement on line 1'],
  ['COPY t FROM stdin;', 'line 1'],
  ["INSERT INTO t VALUES ('a", 'line 1'],
])('a script that ends inside something is truncated: %j', (script, place) => {
  expect(() => split(script)).toThrow(
    expect.objectContaining({ code: 'dump.truncated', message: expect.stringContaining(place) }),
  )
})

test('a statement over the limit is refused with its line, rows are not', () => {
  expect(() => split(`select 1;\nselect '${'x'.repeat(5000)}';`, [], { limit: 4096 })).toThrow(/x\.sql:2 /)
  const rows = 'x'.repeat(9000)
  expect(
    split(`COPY t FROM stdin;\n${rows}\n\\.\nINSERT INTO t VALUES ('${rows}');`, [], { limit: 4096 }),
  ).toHaveLength(2)
})

test('psql commands are found wherever psql would run them, and nowhere else', () => {
  expect(split('\\! touch x').map(({ kind }) => kind)).toEqual(['meta'])
  expect(() => split('select 1\n\\gexec\n;')).toThrow(/x\.sql:2 holds a command of psql/)
  expect(split("select '\\! x', $$\n\\! x\n$$; -- \\! x\n/*\n\\! x\n*/").map(({ kind }) => kind)).toEqual([
    'statement',
    'comment',
  ])
})

const pieces = fc.oneof(
  fc.constantFrom(
    ...[
      'select 1;',
      "'a;''b'",
      "E'\\'",
      '"',
      "'",
      '$$',
      '$a$',
      ';',
      '--',
      '\n',
      '/*',
      '*/',
      '(',
      ')',
      '\\.',
      '\\N',
      '\\',
      '\r\n',
    ],
    ...[
      'COPY t FROM stdin;\n',
      '\n\\.\n',
      'INSERT INTO t VALUES ',
      '(1, NULL)',
      ',',
      'DEFAULT VALUES',
      'BEGIN ATOMIC ',
      'END',
      'CREATE FUNCTION ',
    ],
    ...['SET standard_conforming_strings = off;', '\ufeff', 'é', ' ', '\t'],
  ),
  fc.string({ maxLength: 4 }),
)

test('wherever the input is cut, the parts are the same', () => {
  const outcome = (script: string, cuts: readonly number[]) => {
    try {
      return split(script, cuts)
    } catch (error) {
      return String(error)
    }
  }
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 14 }), fc.array(fc.nat(), { maxLength: 12 }), (list, cuts) => {
      const script = list.join('')
      expect(outcome(script, cuts)).toEqual(outcome(script, []))
      expect(
        outcome(
          script,
          Array.from(script, (_, at) => at),
        ),
      ).toEqual(outcome(script, []))
    }),
    { numRuns: 3000, seed: 4 },
  )
})

test('parts that are put behind one another are found again, with their places', () => {
  const part = fc.oneof(
    fc.string().map((text) => `SELECT '${text.replaceAll("'", "''").replaceAll('\0', '')}';\n`),
    fc.string().map((text) => `SELECT $x$${text.replaceAll('$', '').replaceAll('\0', '')}$x$;\n`),
    fc.string().map((text) => `COPY t FROM stdin;\n${text.replaceAll('\\', '\\\\').replaceAll('\0', '')}\n\\.\n`),
    fc.string().map((text) => `INSERT INTO t VALUES ('${text.replaceAll("'", "''").replaceAll('\0', '')}', 1);\n`),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (list) => {
      const script = Buffer.from(list.join(''))
      const parts = split(script)
      expect(parts).toHaveLength(list.length)
      let offset = 0
      for (const [i, { kind, text, place }] of parts.entries()) {
        expect(place.offset).toBe(offset)
        expect(place.line).toBe(script.subarray(0, offset).toString().split('\n').length)
        if (kind === 'statement') expect(`${text}\n`).toBe(list[i])
        offset += Buffer.byteLength(list[i] ?? '')
      }
    }),
    { numRuns: 1000, seed: 5 },
  )
})
