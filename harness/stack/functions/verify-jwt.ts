import { jwtVerify } from 'jose'

/** The platform's answer to a call without a valid token, or `undefined` when the call may pass. `OPTIONS` always may. */
export async function refuseUnverified(
  request: Request,
  authorization: string | null,
  jwtSecret: string,
): Promise<Response | undefined> {
  if (request.method === 'OPTIONS') return undefined
  if (authorization === null) return refusal('Error: Missing authorization header')
  const token = /^bearer\s+(\S+)$/i.exec(authorization)?.[1]
  if (token === undefined) return refusal("Error: Auth header is not 'Bearer {token}'")
  try {
    await jwtVerify(token, new TextEncoder().encode(jwtSecret), { algorithms: ['HS256'] })
    return undefined
  } catch {
    return refusal('Invalid JWT')
  }
}

function refusal(msg: string): Response {
  return Response.json({ msg }, { status: 401, headers: { 'access-control-allow-origin': '*' } })
}
