import { describe, expect, test } from 'vitest'
import { makeImportMap } from './import-map.ts'
import { specifiersOf } from './sources.ts'
import { substituteFor } from './substitutes.ts'

const substitutes = { serve: 'file:///serve.js', empty: 'file:///empty.js' }

test.each([
  ['https://esm.sh/@supabase/supabase-js@2.39.3', 'npm:@supabase/supabase-js@2.39.3'],
  ['https://esm.sh/v135/resend@4?target=deno', 'npm:resend@4'],
  ['https://esm.sh/stripe@14/lib/x.js', 'npm:stripe@14/lib/x.js'],
  ['https://cdn.skypack.dev/nanoid', 'npm:nanoid'],
  ['https://cdn.jsdelivr.net/npm/nanoid@5/+esm', 'npm:nanoid@5'],
  ['jsr:@supabase/supabase-js@2', 'npm:@supabase/supabase-js@2'],
  ['jsr:@supabase/functions-js@2/edge-runtime.d.ts', 'file:///empty.js'],
  ['https://deno.land/std@0.168.0/http/server.ts', 'file:///serve.js'],
  ['https://deno.land/x/zod@v3.22.4/mod.ts', 'npm:zod@3.22.4'],
  ['https://deno.land/x/zod@v3.22.4/helpers/util.ts', undefined],
  ['https://deno.land/x/postgres@v0.17.0/mod.ts', undefined],
  ['jsr:@std/encoding', undefined],
  ['jsr:@panva/jose@6', 'npm:jose@6'],
  ['jsr:@zod/zod@4/mini', 'npm:zod@4/mini'],
  ['https://jsr.io/@supabase/supabase-js/2.49.0/src/index.ts', 'npm:@supabase/supabase-js@2.49.0'],
  ['https://esm.sh/jsr/@std/encoding', undefined],
  ['https://esm.sh/gh/someone/something', undefined],
  ['https://esm.sh/resend@4&deps=react@18', 'npm:resend@4'],
  ['https://esm.sh/v135/resend@4/denonext/resend.mjs', 'npm:resend@4'],
  ['https://deno.land/std@0.168.0/dotenv/load.ts', 'file:///empty.js'],
  ['https://deno.land/std@0.168.0/encoding/base64.ts', undefined],
  ['https://deno.land/x/jose@v4.14.4/index.ts', 'npm:jose@4.14.4'],
  ['https://evil.example.com/@supabase/supabase-js', undefined],
  ['https://', undefined],
  ['npm:resend@6', undefined],
  ['../_shared/cors.ts', undefined],
])('%s is replaced by %s', (specifier, substitute) => {
  expect(substituteFor(specifier, substitutes)).toBe(substitute)
})

describe('an import map', () => {
  const own = {
    imports: { shared: '../_shared/cors.ts', supabase: 'jsr:@supabase/supabase-js@2' },
    base: '/app/functions/greet/deno.json',
  }

  test("keeps the function's own names, with addresses that do not depend on where it stands", () => {
    expect(makeImportMap([], [own], substitutes)).toEqual({
      imports: {
        shared: 'file:///app/functions/_shared/cors.ts',
        supabase: 'npm:@supabase/supabase-js@2',
        'supabase/': 'npm:/@supabase/supabase-js@2/',
      },
      scopes: {},
      mappings: [{ from: 'jsr:@supabase/supabase-js@2', to: 'npm:@supabase/supabase-js@2' }],
    })
  })

  test('keeps scopes, and names of a nearer map before those of a workspace', () => {
    const workspace = {
      imports: { shared: './other.ts', zod: 'npm:zod@3' },
      scopes: { './legacy/': { zod: 'https://esm.sh/zod@2' } },
      base: '/app/functions/deno.json',
    }
    const { imports, scopes } = makeImportMap([], [own, workspace], substitutes)
    expect(imports).toMatchObject({
      shared: 'file:///app/functions/_shared/cors.ts',
      zod: 'npm:zod@3',
      'zod/': 'npm:/zod@3/',
    })
    expect(scopes).toEqual({ 'file:///app/functions/legacy/': { zod: 'npm:zod@2' } })
  })

  test('lists each replaced import of the sources once', () => {
    const source = `import { Resend } from "https://esm.sh/resend@6"\nconst zod = await import('https://esm.sh/zod@4')`
    const { mappings } = makeImportMap([...specifiersOf(source), ...specifiersOf(source)], [], substitutes)
    expect(mappings).toEqual([
      { from: 'https://esm.sh/resend@6', to: 'npm:resend@6' },
      { from: 'https://esm.sh/zod@4', to: 'npm:zod@4' },
    ])
  })
})

test('specifiers are found in imports, exports and literal dynamic imports', () => {
  const source = [
    "import a from 'a'",
    'import "b"',
    'export * from "c"',
    "const d = import('d')",
    'import(`e`)',
    ['import(`f$', '{g}`)'].join(''),
    "const text = 'import nothing'",
  ].join('\n')
  expect(specifiersOf(source)).toEqual(['a', 'b', 'c', 'd', 'e'])
})
