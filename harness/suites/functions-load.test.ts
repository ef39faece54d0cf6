import { expect, test } from 'vitest'
import { loadCheck } from './functions-load.ts'

const facts = { functions: ['a', 'b'], called: ['a'], replaced: [], failures: [] }

test('functions that load pass; those that no suite called and imports that were replaced are said', () => {
  expect(loadCheck(facts)).toMatchObject({ status: 'passed', summary: '2 functions load. No suite called b.' })
  const replaced = [
    { from: 'https://deno.land/std@0.168.0/http/server.ts', to: 'file:///x/harness/stack/functions/runtime/serve.js' },
    { from: 'https://esm.sh/resend@4', to: 'npm:resend@4' },
  ]
  expect(loadCheck({ ...facts, called: ['a', 'b'], replaced }).summary).toBe(
    "2 functions load. Suites called each of them. Imports replaced, since functions have no network: https://deno.land/std@0.168.0/http/server.ts by a module of Greenlight's own (serve), https://esm.sh/resend@4 by npm:resend@4.",
  )
})

test('one that does not load leaves the check open, which blocks', () => {
  expect(loadCheck({ ...facts, failures: ['The edge function b does not load: x.'] })).toMatchObject({
    status: 'not run',
    required: true,
    reason: 'The edge function b does not load: x.',
  })
})
