import type { Connection, Database } from '../../database/engine.ts'
import { messageOf } from '../../errors.ts'
import type { EgressAttempt } from '../../model/stack.ts'
import type { ApiKeys } from '../keys.ts'
import { withKeysOfStack } from './keys-of-request.ts'
import { makerOf, type QueuedRequest, targetOf } from './request.ts'
import { fillVault } from './vault.ts'

/** The worker of a stack that stands for pg_net's: requests for the project itself are delivered to the stack, others recorded. */
export type DatabaseRequests = {
  /** Requests of the database for another host, oldest first. */
  attempts(): readonly EgressAttempt[]
  /** Waits until every request that was committed so far is delivered or recorded. */
  settle(): Promise<void>
  stop(): Promise<void>
}

export type DatabaseRequestsOptions = {
  readonly database: Database
  readonly url: string
  readonly keys: ApiKeys
  readonly onLine: (line: string) => void
}

const claim = `
  with taken as (delete from net.http_request_queue returning *)
  select id::text, method::text, url, headers, convert_from(body, 'UTF8') as body, timeout_milliseconds, made_by,
    (select format('%s on %s', hook_name, hook_table_id::regclass)
     from supabase_functions.hooks where request_id = taken.id order by hooks.id desc limit 1) as hook
  from taken order by taken.id`

/**
 * Listens for requests that triggers, functions and jobs of the database hand to pg_net. `undefined` where the database
 * has no such queue. What the migrations queued before is recorded, and not delivered: it is not this stack's.
 */
export async function watchDatabaseRequests(options: DatabaseRequestsOptions): Promise<DatabaseRequests | undefined> {
  const { database, url, keys, onLine } = options
  const connection = await database.connect({ applicationName: 'greenlight pg_net' })
  if (!(await hasQueue(connection))) {
    await connection[Symbol.asyncDispose]()
    return undefined
  }
  const attempts: EgressAttempt[] = []
  const deliveries = new Set<Promise<void>>()
  const stopping = new AbortController()

  const take = async (request: QueuedRequest, deliver: boolean) => {
    const target = targetOf(request.url, url)
    const maker = makerOf(request)
    if ('host' in target) {
      attempts.push(attemptOf(maker, target.host))
      return respond(connection, request.id, { error: `Couldn't resolve host name` })
    }
    if (!deliver) return onLine(`A request of ${maker.name} for this project, made by a migration, was not delivered.`)
    const delivery = send(request, target.own)
      .catch((error: unknown) => ({ error: messageOf(error) }))
      .then((answer) => (stopping.signal.aborted ? undefined : respond(connection, request.id, answer)))
      .finally(() => deliveries.delete(delivery))
    deliveries.add(delivery)
  }
  const send = async (request: QueuedRequest, path: string): Promise<Answer> => {
    const answer = await fetch(`${url}${path}`, {
      method: request.method,
      headers: withKeysOfStack(request.headers, keys),
      ...(request.body === null || request.method === 'GET' ? {} : { body: request.body }),
      redirect: 'manual',
      signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(request.timeout_milliseconds)]),
    })
    return { status: answer.status, type: answer.headers.get('content-type'), content: await answer.text() }
  }
  let working: Promise<void> = Promise.resolve()
  const work = (deliver: boolean) => {
    working = working
      .then(async () => {
        const { rows } = await connection.query<QueuedRequest>(claim)
        for (const row of rows) await take(row, deliver)
      })
      .catch((error: unknown) => {
        if (!stopping.signal.aborted) onLine(`Requests of the database could not be read: ${messageOf(error)}`)
      })
    return working
  }

  await fillVault(connection, url, keys)
  connection.on('notification', () => void work(true))
  // The clone may be dropped before the stack is stopped.
  connection.on('error', () => {})
  await connection.query('listen greenlight_net')
  await work(false)

  return {
    attempts: () => [...attempts],
    async settle() {
      // What a delivered call does may make further requests.
      do {
        await work(true)
        await Promise.all(deliveries)
      } while (deliveries.size > 0)
    },
    async stop() {
      stopping.abort()
      await working
      await Promise.all(deliveries)
      await connection[Symbol.asyncDispose]()
    },
  }
}

type Answer =
  | { readonly status: number; readonly type: string | null; readonly content: string }
  | { readonly error: string }

function attemptOf({ name, line }: { name: string; line?: number }, host: string): EgressAttempt {
  const where = line === undefined ? {} : { where: `${name.replace('function ', '')}() line ${line}` }
  return {
    function: `database: ${name}`,
    host,
    detail: `${name} of the database asked pg_net to reach ${host}${line === undefined ? '' : ` in line ${line}`}; nothing was sent.`,
    ...where,
  }
}

async function hasQueue(connection: Connection): Promise<boolean> {
  const { rows } = await connection.query<{ present: boolean }>(
    `select to_regclass('supabase_functions.hooks') is not null and exists (
      select from pg_attribute where attrelid = to_regclass('net.http_request_queue') and attname = 'made_by') as present`,
  )
  return rows[0]?.present ?? false
}

async function respond(connection: Connection, id: string, answer: Answer): Promise<void> {
  const values =
    'error' in answer ? [null, null, null, answer.error] : [answer.status, answer.type, answer.content, null]
  await connection.query(
    `insert into net._http_response (id, status_code, content_type, headers, content, timed_out, error_msg)
     values ($1, $2, $3, '{}', $4, false, $5)`,
    [id, ...values],
  )
}
