/**
 * Where a kind of finding is proven: a test, a row of its table or a case of its fixture that brings it, and one close by
 * that must not. `file › name`; a file that holds cases for a test names that one in brackets. `proofs.test.ts` reads
 * these places: a name that is gone, that asserts nothing or that does not speak of the kind fails.
 */
export type Proof = { readonly trigger: string; readonly nearMiss: string }

export const of = (file: string, trigger: string, nearMiss: string): Proof => ({
  trigger: `${file} › ${trigger}`,
  nearMiss: `${file} › ${nearMiss}`,
})
