import { request } from 'node:http'

const deadlineMs = 5_000

/** Asks a function's process to finish what it does in the background. `false` when it did not within five seconds. */
export function drain(port: number, nonce: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asking = request(
      { host: '127.0.0.1', port, method: 'POST', agent: false, headers: { 'x-greenlight-drain': nonce } },
      (response) => {
        response.resume()
        resolve(true)
      },
    )
    // A process that is gone has no tasks left.
    asking.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ETIMEDOUT'))
    asking.setTimeout(deadlineMs, () =>
      asking.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })),
    )
    asking.end()
  })
}
