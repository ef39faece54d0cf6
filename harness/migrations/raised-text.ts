import type { Database } from '../database/engine.ts'

const raise = /\braise\s+(?:exception|error)?\s*'((?:[^']|'')*)'/gi

/**
 * The text of a RAISE with every interpolated value left out: the message is held against the format strings of the
 * file and of the database's functions. A text that no format explains (MESSAGE = …) is left out as a whole.
 */
export async function raisedText(message: string, sql: string, database: Database): Promise<string> {
  return (
    masked(message, sql) ??
    masked(message, await functionSources(database)) ??
    'An exception was raised (its text may hold values and is left out).'
  )
}

function masked(message: string, source: string): string | undefined {
  const formats = [...source.matchAll(raise)].map(([, format]) => (format ?? '').replaceAll("''", "'"))
  // The format with the most text of its own says the most, and hides the least.
  const found = formats.filter((format) => patternOf(format).test(message)).sort((a, b) => b.length - a.length)[0]
  return found?.replace(/%(%?)/g, (_, second: string) => (second ? '%' : '…'))
}

/** `%` stands for a value, `%%` for itself. */
function patternOf(format: string): RegExp {
  const parts = format.split(/(%%|%)/).map((part) => (part === '%' ? '[\\s\\S]*' : escaped(part === '%%' ? '%' : part)))
  return new RegExp(`^${parts.join('')}$`)
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

async function functionSources(database: Database): Promise<string> {
  try {
    await using admin = await database.connect({ readOnly: true })
    const { rows } = await admin.query<{ source: string }>(
      `SELECT prosrc AS source FROM pg_proc JOIN pg_language ON pg_language.oid = prolang
       WHERE lanname = 'plpgsql' AND prosrc ~* 'raise'`,
    )
    return rows.map(({ source }) => source).join('\n')
  } catch {
    return ''
  }
}
