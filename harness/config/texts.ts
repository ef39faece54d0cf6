import { z } from 'zod'

export const text = z.string().min(1)

/** `schema.table`, as every table of a contract is named. */
export const tableName = z.string().regex(/^[^.]+\.[^.]+$/, 'must be "schema.table"')
