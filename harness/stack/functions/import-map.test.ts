import { describe, expect, test } from 'vitest'
import { readFunctionSettings } from './config-toml.ts'
import { attemptsIn } from './egress.ts'
import { makeImportMap, specifiersOf, substituteFor } from './import-map.ts'

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
    expect(makeImportMap([], own, substitutes)).toEqual({
      imports: {
        shared: 'file:///app/functions/_shared/cors.ts',
        supabase: 'npm:@supabase/supabase-js@2',
        'supabase/': 'npm:/@supabase/supabase-js@2/',
      },
      mappings: [{ from: 'jsr:@supabase/supabase-js@2', to: 'npm:@supabase/supabase-js@2' }],
    })
  })

  test('lists each replaced import of the sources once', () => {
    const source = `import { Resend } from "https://esm.sh/resend@6"\nconst zod = await import('https://esm.sh/zod@4')`
    const { mappings } = makeImportMap([source, source], { imports: {}, base: '/x' }, substitutes)
    expect(mappings).toEqual([
      { from: 'https://esm.sh/resend@6', to: 'npm:resend@6' },
      { from: 'https://esm.sh/zod@4', to: 'npm:zod@4' },
    ])
  })
})

test('specifiers are found in imports, exports and literal dynamic imports', () => {
  const source = `import a from 'a'\nimport "b"\nexport * from "c"\nconst d = import('d')\nconst text = 'import nothing'`
  expect(specifiersOf(source)).toEqual(['a', 'b', 'c', 'd'])
})

test('settings of functions are read from config.toml, whatever else stands there', () => {
  const toml = `
[api]
enabled = false
[functions.greet]
verify_jwt = false # open
import_map = "./functions/greet/map.json"
[functions."send-mail"]
enabled = false
[auth]
verify_jwt = true`
  expect([...readFunctionSettings(toml)]).toEqual([
    ['greet', { verifyJwt: false, importMap: './functions/greet/map.json' }],
    ['send-mail', { enabled: false }],
  ])
})

test('attempts to leave the machine are listed once a host, without paths', () => {
  const audit = [
    '{"v":1,"permission":"net","value":"127.0.0.1:4000"}',
    '{"v":1,"permission":"net","value":"https://tracker.example.com/people/ada?token=x"}',
    '{"v":1,"permission":"net","value":"tracker.example.com:443"}',
    '{"v":1,"permission":"read","value":"/etc/passwd"}',
    '{"v":1,"permission":"net","value":"127.0.0.1:6379"}',
    '{"v":1,"permis',
  ].join('\n')
  expect(attemptsIn(audit, 'greet', [4000])).toEqual([
    {
      function: 'greet',
      host: 'tracker.example.com',
      detail: 'greet tried to reach tracker.example.com:443; the attempt was refused.',
    },
    { function: 'greet', host: '127.0.0.1', detail: 'greet tried to reach 127.0.0.1:6379; the attempt was refused.' },
  ])
})
