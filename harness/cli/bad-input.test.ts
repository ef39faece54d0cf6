import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runGreenlight } from './run-greenlight.ts'

const production = 'fixtures/planner/production.dump'
const migrations = 'fixtures/planner/migrations'
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bad-input-'))
})
afterAll(() => rm(folder, { recursive: true }))

const file = async (name: string, content: string | Uint8Array) => {
  const path = join(folder, name)
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, content)
  return path
}

/** Of what ends a run. */
const messageOf = (stderr: string) =>
  stderr.slice(stderr.lastIndexOf('  ✗ ') + '  ✗ '.length, stderr.lastIndexOf('\n    ('))

/** Exit 2, the message on stderr, once, no stack trace, nothing on stdout, nothing started or left behind. */
const expectRefusal = async (args: readonly string[], code: string, ...words: (string | RegExp)[]) => {
  const { exitCode, stdout, stderr, left } = await runGreenlight([...args, '--out', join(folder, 'out')])
  expect(stderr).toContain(`(${code};`)
  for (const word of words) expect(stderr).toMatch(word)
  expect(stderr.split(messageOf(stderr))).toHaveLength(2)
  expect(stderr).not.toMatch(/\n\s+at /)
  expect(stdout).toBe('')
  expect(exitCode).toBe(2)
  expect(left).toEqual([])
}

describe.concurrent('bad input is refused with exit code 2, in one message, with nothing left behind', () => {
  test('no such dump', () =>
    expectRefusal(
      ['--dump', '/nowhere/production.dump', '--migrations', migrations],
      'dump.not-found',
      '/nowhere/production.dump',
    ))

  test('an empty file', async () =>
    expectRefusal(['--dump', await file('empty.dump', ''), '--migrations', migrations], 'dump.empty', 'empty.dump'))

  test('a text file', async () =>
    expectRefusal(
      ['--dump', await file('notes.dump', 'these are my notes\n'), '--migrations', migrations],
      'dump.unrecognised',
      'notes.dump',
    ))

  const plain = (end: string) => `--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE auth.users ();\n${end}`

  test('a plain dump with a command of psql', async () =>
    expectRefusal(
      ['--dump', await file('meta.sql', plain('\\! touch x\n')), '--migrations', migrations],
      'dump.not-supported',
      /meta\.sql:6 holds the psql command \\!/,
    ))

  test('a plain dump without its end', async () =>
    expectRefusal(
      ['--dump', await file('cut.sql', plain('COPY auth.users FROM stdin;\n\\.\n')), '--migrations', migrations],
      'dump.truncated',
      /cut\.sql is cut off/,
    ))

  test('a dump of a part of the database, which has no users', () =>
    expectRefusal(
      ['--dump', 'fixtures/dumps/odd.dump', '--migrations', migrations],
      'dump.not-supported',
      'no table auth.users',
      'its tables are in odd',
    ))

  test.each([
    ['a name close to one', ['--functions', 'fixtures/planner/functions'], 'did you mean send-onboarding-email?'],
    ['no folder', [], 'no folder with functions is named'],
  ])('a function for the webhooks of mails that is not there: %s', async (name, flags, said) => {
    const webhook = "{ function: 'send-onboarding-mail', secretEnv: 'RESEND_WEBHOOK_SECRET' }"
    const config = await file(
      `webhook/${name}/greenlight.config.ts`,
      `export default { mail: { webhook: ${webhook} } }`,
    )
    await expectRefusal(
      ['--dump', production, '--migrations', migrations, '--config', config, ...flags],
      'config.invalid',
      'mail.webhook.function: there is no edge function send-onboarding-mail; ',
      said,
    )
  })

  test('contracts that name tables, columns and functions which are not there, told once the migrations are applied', async () => {
    const profile = "{ table: 'public.profile', user: 'id' }"
    const resource = "{ table: 'public.events', key: 'id', owner: 'ownerid' }"
    const config = await file(
      'names/greenlight.config.ts',
      `export default { contracts: { profile: ${profile}, resource: ${resource} } }`,
    )
    await expectRefusal(
      ['--dump', production, '--migrations', migrations, '--config', config],
      'config.invalid',
      'no table public.profile; did you mean public.profiles?',
      'no column ownerid; did you mean owner_id?',
    )
  })

  test('a truncated archive', async () => {
    const whole = await readFile(production)
    await expectRefusal(
      ['--dump', await file('cut.dump', whole.subarray(0, whole.length - 1000)), '--migrations', migrations],
      'dump.truncated',
      'cut.dump',
    )
  })

  test('an archive of a newer format', async () => {
    const newer = Buffer.from(await readFile(production))
    newer[6] = 0x63
    await expectRefusal(
      ['--dump', await file('newer.dump', newer), '--migrations', migrations],
      'dump.unsupported-version',
      /1\.99/,
    )
  })

  test('a dump of a newer server than the engine has', async () => {
    const newer = Buffer.from(await readFile(production))
    const version = newer.indexOf('17.')
    newer.write('19.', version)
    await expectRefusal(
      ['--dump', await file('newer-server.dump', newer), '--migrations', migrations],
      'dump.newer-server',
      /19/,
    )
  })

  test('no such migrations folder', () =>
    expectRefusal(
      ['--dump', production, '--migrations', '/nowhere/migrations'],
      'migrations.not-found',
      '/nowhere/migrations',
    ))

  test('a folder without a migration: a rehearsal of nothing', async () => {
    await mkdir(join(folder, 'none'), { recursive: true })
    await expectRefusal(
      ['--dump', production, '--migrations', join(folder, 'none')],
      'migrations.empty',
      /rehearsal of nothing/,
    )
  })

  test('nothing pending: a rehearsal of nothing', async () => {
    const path = await file('applied/150_old.sql', 'select 1;')
    await expectRefusal(
      ['--dump', production, '--migrations', join(path, '..'), '--baseline', '200'],
      'migrations.empty',
      /rehearsal of nothing/,
    )
  })

  test('a migration that is not UTF-8', async () => {
    const path = await file('latin1/201_names.sql', Buffer.from("-- first\nselect 'caf\xe9';\n", 'latin1'))
    await expectRefusal(
      ['--dump', production, '--migrations', join(path, '..')],
      'migrations.not-utf8',
      /201_names\.sql:2/,
    )
  })

  test('an expectation that cannot be read', async () => {
    const path = await file(
      'typo/201_x.sql',
      '-- greenlight: expects data.rows-deletd public.tasks because it is old\nselect 1;\n',
    )
    await expectRefusal(
      ['--dump', production, '--migrations', join(path, '..')],
      'migrations.unparsable',
      /data\.rows-deleted/,
    )
  })

  test('a config with unknown keys and wrong types: all named at once', async () => {
    const config = await file(
      'greenlight.config.mjs',
      'export default { dmup: "x", seed: "one", waivers: [{ kind: "data.nothing" }] }',
    )
    await expectRefusal(['--config', config], 'config.invalid', /did you mean "dump"/, /seed/, /waivers\[0\]/)
  })

  test('a config that is not there', () =>
    expectRefusal(['--config', '/nowhere/greenlight.config.ts'], 'config.not-found', '/nowhere/greenlight.config.ts'))

  test('neither a dump nor migrations', () => expectRefusal([], 'usage.invalid', /no dump/, /no migrations/))

  test('an unknown engine and a seed that is no number, both named', () =>
    expectRefusal(
      ['--dump', production, '--migrations', migrations, '--engine', 'embeded', '--seed', 'x'],
      'usage.invalid',
      /did you mean "embedded"/,
      /--seed/,
    ))

  test('an engine that is like none, with those that there are', () =>
    expectRefusal(
      ['--dump', production, '--migrations', migrations, '--engine', 'mainframe'],
      'usage.invalid',
      /unknown engine "mainframe"; known are embedded, container, url\s*$/m,
    ))

  test('a client that there is not, and one that cannot mask', async () => {
    const args = ['--dump', production, '--migrations', migrations]
    await expectRefusal(
      [...args, '--client', 'natvie'],
      'usage.invalid',
      'unknown client "natvie"; known are own, native',
    )
    const config = await file('masks/greenlight.config.mjs', 'export default { mask: {} }')
    await expectRefusal([...args, '--client', 'native', '--config', config], 'usage.invalid', 'pg_restore cannot mask')
  })

  test('a dump that pg_restore does not read, for --client native', () =>
    expectRefusal(
      ['--dump', 'fixtures/dumps/forms/plain.sql.gz', '--migrations', migrations, '--client', 'native'],
      'dump.not-supported',
      /--client native restores an archive .* a dump of format plain\. Leave --client native out/,
    ))

  test('no such functions folder', () =>
    expectRefusal(
      ['--dump', production, '--migrations', migrations, '--functions', '/nowhere/functions'],
      'usage.invalid',
      '/nowhere/functions',
    ))

  test('suites that are not there, of the flag or of the config: before anything starts', async () => {
    const config = await file('suites/greenlight.config.mjs', 'export default { suites: ["mine/*.suite.ts"] }')
    await file('suites/other/a.suite.ts', '')
    const args = ['--dump', production, '--migrations', migrations]
    await expectRefusal(
      [...args, '--suites', 'suites/auth/*.suite.ts', '--suites', 'suites/nowhere/*.suite.ts'],
      'suites.not-found',
      `looked for from ${process.cwd()} on:\n  - "suites/nowhere/*.suite.ts"\nCorrect --suites`,
    )
    const inConfig = `looked for from ${join(folder, 'suites')} on:\n  - "mine/*.suite.ts"\n`
    await expectRefusal([...args, '--config', config], 'suites.not-found', inConfig)
  })

  test('a single suite file that is there is taken: what is refused is the dump', () =>
    expectRefusal(
      ['--dump', '/nowhere/x.dump', '--migrations', migrations, '--suites', 'suites/auth/*.suite.ts'],
      'dump.not-found',
    ))

  test('a full disk', async () => {
    // A file where the folder for databases should be stands for a disk that takes nothing.
    const { exitCode, stderr, left } = await runGreenlight(
      ['--dump', production, '--migrations', migrations, '--out', join(folder, 'out')],
      {
        env: { TMPDIR: '/dev/full' },
      },
    )
    expect(stderr).toMatch(/\(engine\.(disk-full|start-failed);/)
    expect(stderr).toMatch(/✗ start the server .*s\n/)
    expect(stderr.split(messageOf(stderr))).toHaveLength(2)
    expect(exitCode).toBe(2)
    expect(left).toEqual([])
  })

  test('a flag that does not exist', async () => {
    const { exitCode, stderr } = await runGreenlight(['--dmup', 'x'])
    expect(stderr).toContain('--dump')
    expect(exitCode).toBe(2)
  })
})

test('canaries that do not exist or whose password is wrong before the migrations: inconclusive, told by their numbers', {
  timeout: 300_000,
}, async () => {
  const path = await file(
    'canaries/201_nothing.sql',
    'create table public.nothing (id int primary key);\nalter table public.nothing enable row level security;\n',
  )
  const canaries =
    "[{ email: 'nobody@planner.invalid', passwordEnv: 'CANARY' }, { email: 'owner@planner.example.com', passwordEnv: 'CANARY' }]"
  const config = await file('canaries/greenlight.config.mjs', `export default { canaries: ${canaries} }`)
  const args = ['--dump', production, '--migrations', join(path, '..'), '--config', config, '--logins', '1']
  const { exitCode, stdout, stderr, left } = await runGreenlight([...args, '--out', join(folder, 'canaries-out')], {
    env: { CANARY: 'not the password' },
  })
  expect(stdout).toMatch(/^INCONCLUSIVE\n/)
  expect(stdout).toMatch(/canary 1\b.*canary 2\b/s)
  expect(stdout + stderr).not.toMatch(/nobody@|owner@|not the password/)
  expect({ exitCode, left }).toEqual({ exitCode: 2, left: [] })
})
