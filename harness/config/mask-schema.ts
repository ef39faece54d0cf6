import { z } from 'zod'
import { foundKinds, maskKinds } from '../model/config.ts'
import { tableName, text } from './texts.ts'

const kind = z.enum(maskKinds)

/** `mask` of the config: which personal data is replaced on its way into the copy. */
export const mask = z.strictObject({
  tables: z.record(tableName, z.record(text, kind)).exactOptional(),
  names: z
    .record(z.string().regex(/^[\w*]+$/, 'must be the name of a column; * stands for any letters'), kind)
    .exactOptional(),
  find: z
    .union(
      [z.boolean(), z.array(z.enum(foundKinds)).min(1)],
      `must be true, false or a list of ${foundKinds.join(', ')}`,
    )
    .exactOptional(),
  keyEnv: text.exactOptional(),
})
