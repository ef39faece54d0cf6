/** An answer that the platform gives in place of a function, in its shape. */
export function failure(status: number, code: string, message: string, more: Record<string, string> = {}): Response {
  // A Response made here must have a status below 600, and 546 is.
  return Response.json(
    { code, message, ...more },
    {
      status,
      headers: {
        'sb-error-code': code,
        'access-control-allow-origin': '*',
        'access-control-expose-headers': 'sb-error-code',
      },
    },
  )
}
