/** An error as Resend answers it: the body, whose `statusCode` is also the status. */
export type ResendError = { readonly statusCode: number; readonly name: ResendErrorName; readonly message: string }

/** The names that the `resend` package knows. Their status codes: https://resend.com/docs/api-reference/errors. */
export type ResendErrorName =
  | 'invalid_idempotency_key'
  | 'validation_error'
  | 'missing_api_key'
  | 'restricted_api_key'
  | 'invalid_api_key'
  | 'not_found'
  | 'method_not_allowed'
  | 'invalid_idempotent_request'
  | 'concurrent_idempotent_requests'
  | 'invalid_attachment'
  | 'invalid_parameter'
  | 'missing_required_field'
  | 'monthly_quota_exceeded'
  | 'daily_quota_exceeded'
  | 'rate_limit_exceeded'
  | 'application_error'
  | 'internal_server_error'

const formats = 'The email address needs to follow the `email@example.com` or `Name <email@example.com>` format.'

/** Every refusal in Resend's words, as its documentation and its answers have them. */
export const refusals = {
  missingKey: error(401, 'missing_api_key', 'Missing API Key'),
  restrictedKey: error(401, 'restricted_api_key', 'This API key is restricted to only send emails'),
  /** As documented. The API has also been seen to answer 400 and 401, `validation_error`, with the same message. */
  invalidKey: error(403, 'invalid_api_key', 'API key is invalid'),
  unknownEndpoint: error(404, 'not_found', 'The requested endpoint does not exist'),
  unknownEmail: error(404, 'not_found', 'Email not found'),
  wrongMethod: error(405, 'method_not_allowed', 'Method is not allowed for the requested path'),
  idempotencyKey: error(400, 'invalid_idempotency_key', 'The key must be between 1-256 chars.'),
  otherPayload: error(
    409,
    'invalid_idempotent_request',
    'This idempotency key has been used already on a request with a different payload.',
  ),
  inProgress: error(
    409,
    'concurrent_idempotent_requests',
    'This idempotency key is used by a request that is still in progress. Try the request again later.',
  ),
  attachment: error(422, 'invalid_attachment', 'Attachment must have either a `content` or `path`.'),
  dailyQuota: error(429, 'daily_quota_exceeded', 'You have reached your daily email sending quota.'),
  monthlyQuota: error(429, 'monthly_quota_exceeded', 'You have reached your monthly email sending quota.'),
  notScheduled: error(422, 'validation_error', 'This email is not scheduled: it was sent or canceled already.'),
  tooFast: (perSecond: number) =>
    error(
      429,
      'rate_limit_exceeded',
      `Too many requests. You can only make ${perSecond} requests per second. See rate limit response headers for more information. Or contact support to increase rate limit.`,
    ),
  domain: (domain: string) =>
    error(
      403,
      'validation_error',
      `The ${domain} domain is not verified. Please, add and verify your domain on https://resend.com/domains`,
    ),
  testSender: (own: string) =>
    error(
      403,
      'validation_error',
      `You can only send testing emails to your own email address (${own}). To send emails to other recipients, please verify a domain at resend.com/domains, and change the \`from\` address to an email using this domain.`,
    ),
  exampleDomain: (field: string, domain: string) =>
    invalid(
      `Invalid \`${field}\` field. Please use our testing email address instead of domains like \`${domain}\`. See https://resend.com/docs/dashboard/emails/send-test-emails`,
    ),
  lineBreak: (field: string) => invalid(`The \`\\n\` is not allowed in the \`${field}\` field.`),
  address: (field: string) => invalid(`Invalid \`${field}\` field. ${formats}`),
  missing: (field: string) => error(422, 'missing_required_field', `Missing \`${field}\` field.`),
  invalid,
  internal: (status: number) =>
    error(
      status,
      status === 500 ? 'internal_server_error' : 'application_error',
      'Internal server error. We are unable to process your request right now, please try again later.',
    ),
}

function invalid(message: string): ResendError {
  return error(422, 'validation_error', message)
}

function error(statusCode: number, name: ResendErrorName, message: string): ResendError {
  return { statusCode, name, message }
}

export function isError(result: object): result is ResendError {
  return 'statusCode' in result && 'name' in result
}
