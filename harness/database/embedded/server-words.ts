import { HarnessError } from '../../errors.ts'

/** What a program of the server said before it failed, as an error that tells what to do. */
export function startFailure(program: string, output: string, cause?: unknown, port?: number): HarnessError {
  const options = { cause, facts: { program } }
  if (/No space left on device|could not (write|extend) .*No space/i.test(output)) {
    return new HarnessError(
      'engine.disk-full',
      `The disk is full: ${program} could not write its files. Free some space, or set TMPDIR to another disk.`,
      options,
    )
  }
  if (/could not bind|Address already in use/i.test(output)) {
    return new HarnessError(
      'engine.port-taken',
      `Port ${port} on 127.0.0.1 is taken by another program. Choose another one, or leave the choice to Greenlight.`,
      options,
    )
  }
  const words = output
    .trim()
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-6)
    .join('\n  ')
  return new HarnessError(
    'engine.start-failed',
    `The embedded Postgres did not start. ${program} says:\n  ${words}`,
    options,
  )
}

/** The whole environment of the server's programs. */
export function serverEnvironment(): Record<string, string> {
  // libpq's default address: a host that dblink, a foreign server or a subscription of the dump names is never looked up
  // or dialled, the connection stays on the machine.
  return { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC', PGHOSTADDR: '127.0.0.1' }
}
