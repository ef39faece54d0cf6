/** `-- greenlight: moves public.profiles(phone) to public.contacts(phone) by profile_id because …` in a migration. */
export type DeclaredMove = {
  readonly from: { readonly table: string; readonly column: string }
  readonly to: { readonly table: string; readonly column: string }
  /** Columns of the other table that hold the key of the row that the value came from, in the order of that key. */
  readonly by: readonly string[]
  readonly migration: string
  readonly line: number
}
