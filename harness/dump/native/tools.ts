import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { HarnessError, throwIfAborted } from '../../errors.ts'
import type { WrapperCall } from './wrapper-child.ts'

const image = 'greenlight/postgres:17'
const child = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './wrapper-child.ts' : './wrapper-child.js', import.meta.url),
)

export type NativeServer = {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
  readonly password: string
  readonly sslMode?: string
  readonly sslRootCertificate?: string
}

type Call<Program extends WrapperCall['program']> = Extract<WrapperCall, { program: Program }>['options']

/** PostgreSQL's pg_dump and pg_restore, of the path or in a container. Disposing of it removes its folder and its container. */
export interface NativeTools extends AsyncDisposable {
  /** `path`, or the name of an image. */
  readonly source: string
  /** `17.10` */
  readonly version: string
  /** Throws `aborted`; a program that fails is told by its exit code. */
  run<Program extends WrapperCall['program']>(
    program: Program,
    server: NativeServer,
    options: Call<Program>,
    signal?: AbortSignal,
  ): Promise<{ readonly exitCode: number; readonly messages: string }>
}

/**
 * Finds client programs of that major version or a newer one: on the path, else in the image of `fixtures/images`.
 * `folders`: what they are to read or write; a container sees nothing else. Throws `client.unavailable`.
 */
export async function findTools(
  leastMajor: number,
  what: string,
  folders: readonly string[],
  signal?: AbortSignal,
): Promise<NativeTools> {
  throwIfAborted(signal, `looking for ${what}`)
  const onPath = await versionOf('pg_dump', [])
  const home = await mkdtemp(join(tmpdir(), 'greenlight-client-'))
  try {
    if (onPath !== undefined && Number.parseInt(onPath, 10) >= leastMajor)
      return tools('path', onPath, home, async () => {}, process.env.PATH ?? '')
    const inImage = await execa('docker', ['image', 'inspect', image], { reject: false, stdin: 'ignore' })
    if (!inImage.failed && leastMajor <= 17) return await inContainer(home, folders)
  } catch (error) {
    await rm(home, { recursive: true, force: true })
    throw error
  }
  await rm(home, { recursive: true, force: true })
  throw new HarnessError(
    'client.unavailable',
    `${what} needs pg_dump and pg_restore of PostgreSQL ${leastMajor} or newer, and ${onPath === undefined ? 'there are none on the path' : `those on the path are ${onPath}`}. Install postgresql-client-${leastMajor}, or make the image ${image} with fixtures/images/build.sh.`,
    { facts: { needed: leastMajor, found: onPath } },
  )
}

async function versionOf(program: string, prefix: readonly string[]): Promise<string | undefined> {
  const [file = program, ...args] = [...prefix, program, '--version']
  const { stdout, failed } = await execa(file, args, { reject: false, stdin: 'ignore' })
  return failed ? undefined : /\b(\d+(?:\.\d+)?)/.exec(stdout)?.[1]
}

/** The wrapper looks for its programs on the path: there it finds ones that run in the container. */
async function inContainer(home: string, folders: readonly string[]): Promise<NativeTools> {
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`
  const volumes = [home, ...folders].flatMap((folder) => ['--volume', `${folder}:${folder}`])
  const { stdout } = await execa('docker', [
    ...['run', '--detach', '--rm', '--network', 'host', '--user', user, '--label', 'greenlight=native-client'],
    ...volumes,
    ...[image, 'sleep', 'infinity'],
  ])
  const id = stdout.trim()
  const stop = async () => void (await execa('docker', ['rm', '--force', id], { reject: false }))
  try {
    const version = await versionOf('pg_dump', ['docker', 'exec', id])
    if (version === undefined)
      throw new HarnessError('client.unavailable', `There is no pg_dump in the image ${image}.`)
    const bin = join(home, 'bin')
    await mkdir(bin, { mode: 0o700 })
    const environment = ['PGPASSFILE', 'PGSSLMODE', 'PGSSLROOTCERT', 'PGOPTIONS', 'PGAPPNAME'].map(
      (name) => `--env ${name}`,
    )
    for (const program of ['pg_dump', 'pg_restore']) {
      const script = `#!/bin/sh\numask 077\nexec docker exec ${environment.join(' ')} ${id} sh -c 'umask 077; exec "$0" "$@"' ${program} "$@"\n`
      await writeFile(join(bin, program), script, { mode: 0o700 })
    }
    return tools(image, version, home, stop, [bin, process.env.PATH ?? ''].join(delimiter))
  } catch (error) {
    await stop()
    throw error
  }
}

function tools(source: string, version: string, home: string, stop: () => Promise<void>, path: string): NativeTools {
  return {
    source,
    version,
    async run(program, server, options, signal) {
      const passwords = join(home, 'passwords')
      // One server at a time: any host and port will do, and no name of one has to be quoted.
      await writeFile(passwords, `*:*:*:*:${server.password.replace(/[\\:]/g, '\\$&')}\n`, { mode: 0o600 })
      await chmod(passwords, 0o600)
      const connection = {
        host: server.host,
        port: server.port,
        // The wrapper puts both into a URL as they are.
        username: encodeURIComponent(server.user),
        database: encodeURIComponent(server.database),
        password: '',
      }
      const { PGPASSWORD: _, ...environment } = process.env
      const { stderr, exitCode } = await execa(process.execPath, [child], {
        input: JSON.stringify({ program, connection, options }),
        env: {
          ...environment,
          PATH: path,
          PGPASSFILE: passwords,
          PGAPPNAME: 'greenlight',
          PGOPTIONS: program === 'pg_dump' ? '-c default_transaction_read_only=on' : '',
          PGSSLMODE: server.sslMode ?? 'disable',
          ...(server.sslRootCertificate === undefined ? {} : { PGSSLROOTCERT: server.sslRootCertificate }),
        },
        extendEnv: false,
        reject: false,
        maxBuffer: 64 << 20,
        ...(signal === undefined ? {} : { cancelSignal: signal }),
      })
      throwIfAborted(signal, `running ${program}`)
      return { exitCode: exitCode ?? 1, messages: stderr }
    },
    async [Symbol.asyncDispose]() {
      await stop()
      await rm(home, { recursive: true, force: true })
    },
  }
}
