import type { Forwarder } from '../forward.ts'
import type { ApiKeys } from '../keys.ts'
import { failure } from './failure.ts'
import type { Functions } from './functions.ts'
import type { Ending, FunctionProcess } from './process.ts'
import { refuseUnverified } from './verify-jwt.ts'

export type CallParts = {
  readonly keys: ApiKeys
  /** `undefined` when the stack has no functions folder. */
  readonly functions: Functions | undefined
  readonly forwarder: Forwarder
  /** Milliseconds by which the stack's time differs from the machine's. */
  readonly clockOffset: () => number
}

export type FunctionCall = {
  readonly name: string
  /** Told with every line that the function writes during the call. */
  readonly id: string
  /** Path and query that the function sees: `/<name>/…`. */
  readonly path: string
  readonly headers: Headers
}

/**
 * Calls an edge function as the platform's gateway does: 404, 401, 503, 504 and 546 with its codes, and what the function
 * answers otherwise. Throws `function.unloadable`.
 */
export async function callFunction(request: Request, call: FunctionCall, parts: CallParts): Promise<Response> {
  const { functions, keys } = parts
  const edgeFunction = functions?.list.find(({ name }) => name === call.name)
  if (functions === undefined || edgeFunction === undefined) {
    return failure(404, 'NOT_FOUND', 'Requested function was not found')
  }
  const refusal = edgeFunction.verifyJwt ? await refuseUnverified(request, keys) : undefined
  if (refusal !== undefined) return refusal
  const process = await functions.get(call.name)
  return answerOf(request, call, parts, process, functions.limits.idleSeconds)
}

async function answerOf(
  request: Request,
  { id, path, headers }: FunctionCall,
  { forwarder, clockOffset }: CallParts,
  process: FunctionProcess,
  idleSeconds: number,
): Promise<Response> {
  headers.set('x-greenlight-call', id)
  const offset = clockOffset()
  if (offset === 0) headers.delete('x-greenlight-clock')
  else headers.set('x-greenlight-clock', String(offset))
  const idle = Promise.withResolvers<'idle'>()
  const timer = setTimeout(() => idle.resolve('idle'), idleSeconds * 1000)
  const sent = forwarder.send(request, { upstream: { port: process.port }, path, headers })
  // The connection breaks with the process; which of the two is told first does not matter.
  const answered = sent.catch(async (error: unknown) => {
    if (request.signal.aborted) throw error
    const ending = await Promise.race([process.ended, shortly()])
    if (ending === undefined) throw error
    return ending
  })
  try {
    const outcome = await Promise.race([answered, process.ended, idle.promise])
    if (typeof outcome !== 'string') return markFailed(outcome)
    if (outcome !== 'idle') return endedEarly(outcome)
    process.retire()
    return failure(504, 'IDLE_TIMEOUT', `Request idle timeout limit (${idleSeconds}s) reached`)
  } finally {
    clearTimeout(timer)
  }
}

const shortly = () => new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 1000))

function endedEarly(ending: Ending): Response {
  return ending === 'error'
    ? failure(500, 'WORKER_ERROR', 'Function exited due to an error (please check logs)')
    : failure(546, 'WORKER_LIMIT', 'Function failed due to not having enough compute resources (please check logs)')
}

/** The platform marks every answer above 499, also one that the function chose. */
function markFailed(response: Response): Response {
  if (response.status < 500) return response
  response.headers.set('sb-error-code', 'EDGE_FUNCTION_ERROR')
  response.headers.append('access-control-expose-headers', 'sb-error-code')
  return response
}
