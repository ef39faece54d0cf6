import { pgDump, pgRestore } from 'pg-dump-restore'

/**
 * One call of the wrapper in a process of its own: it takes neither an environment nor a signal, and this process has
 * both. The password is not among what it is told: libpq finds it by PGPASSFILE. Reads its call from standard input;
 * ends with the exit code of the program, whose messages go to standard error.
 */
export type WrapperCall =
  | {
      readonly program: 'pg_dump'
      readonly connection: Parameters<typeof pgDump>[0]
      readonly options: Parameters<typeof pgDump>[1]
    }
  | {
      readonly program: 'pg_restore'
      readonly connection: Parameters<typeof pgRestore>[0]
      readonly options: Parameters<typeof pgRestore>[1]
    }

let text = ''
for await (const piece of process.stdin) text += piece
const call = JSON.parse(text) as WrapperCall
try {
  const { stderr } =
    call.program === 'pg_dump'
      ? await pgDump(call.connection, call.options)
      : await pgRestore(call.connection, call.options)
  process.stderr.write(stderr)
} catch (error) {
  const { stderr, exitCode, signal, message } = error as {
    stderr?: string
    exitCode?: number
    signal?: string
    message: string
  }
  process.stderr.write(stderr || (signal === undefined ? message : `ended by ${signal}`))
  process.exitCode = exitCode || 1
}
