import { z } from 'zod'
import { clientNames, engineNames, type GreenlightConfig } from '../model/config.ts'
import { findingKinds } from '../model/finding.ts'
import {
  accessCodeTable,
  accessContract,
  chatNotification,
  checkTogether,
  integrityContract,
  notification,
  notificationKind,
  replacedByOnboarding,
  replacedByReminders,
} from './contract-schema.ts'
import { mask } from './mask-schema.ts'
import { tableName, text } from './texts.ts'

const paths = z.union([text, z.array(text).min(1)])

const canary = z
  .strictObject({ email: z.email(), passwordEnv: text.exactOptional(), passwordsFile: text.exactOptional() })
  .refine((value) => (value.passwordEnv === undefined) !== (value.passwordsFile === undefined), {
    message: 'needs exactly one of passwordEnv and passwordsFile (a password never stands in the config itself)',
  })

const waiver = z.strictObject({
  kind: z.enum(findingKinds),
  object: text,
  owner: text,
  reason: text,
  until: z.iso.date('must be a date as 2026-12-31'),
})

const read = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]*$/, 'must be lower-case words with hyphens'),
    table: tableName.exactOptional(),
    rpc: text.exactOptional(),
    args: z.record(text, z.union([z.string(), z.number(), z.boolean(), z.null()])).exactOptional(),
    select: text.exactOptional(),
    filters: z.record(text, z.string()).exactOptional(),
    order: text.exactOptional(),
    as: z
      .array(z.enum(['anon', 'user', 'service']))
      .min(1)
      .exactOptional(),
  })
  .refine((value) => (value.table === undefined) !== (value.rpc === undefined), {
    message: 'needs exactly one of table and rpc',
  })

const query = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]*$/, 'must be lower-case words with hyphens'),
  sql: z
    .string()
    .regex(/^\s*(select|with|values)\b/i, 'must be one SELECT')
    .refine((sql) => !/;\s*\S/.test(sql), 'must be one statement'),
  as: z.enum(['anon', 'user', 'service']).exactOptional(),
})

const contracts = z.strictObject({
  reads: z
    .array(read)
    .refine((reads) => new Set(reads.map(({ name }) => name)).size === reads.length, {
      message: 'two reads have one name',
    })
    .exactOptional(),
  profile: z
    .strictObject({
      table: tableName,
      user: text,
      email: text.exactOptional(),
      name: text.exactOptional(),
      subscribed: text.exactOptional(),
      timeZone: text.exactOptional(),
    })
    .exactOptional(),
  resource: z
    .strictObject({
      table: tableName,
      key: text,
      owner: text,
      title: text.exactOptional(),
      startsAt: text.exactOptional(),
      endsAt: text.exactOptional(),
    })
    .exactOptional(),
  membership: z
    .strictObject({
      table: tableName,
      user: text,
      resource: text,
      role: text,
      ownerRole: text,
      roles: z.array(text).min(1),
      subscribed: text.exactOptional(),
    })
    .exactOptional(),
  shared: z.array(z.strictObject({ table: tableName, resource: text })).exactOptional(),
  notifications: z
    .strictObject({
      function: text,
      resourceUpdated: notification,
      chatMessage: chatNotification.exactOptional(),
      kinds: z.record(text, notificationKind).exactOptional(),
    })
    .exactOptional(),
  rateLimit: z
    .strictObject({
      table: tableName,
      resource: text,
      user: text,
      text,
      mails: z.int().min(1),
      windowSeconds: z.number().positive(),
      window: z.enum(['resets', 'slides']).exactOptional(),
      digest: z
        .union([z.strictObject({ function: text }), z.strictObject({ in: z.literal('next-mail') })])
        .exactOptional(),
    })
    .exactOptional(),
  reminders: z
    .strictObject({
      function: text,
      table: tableName,
      key: text,
      email: text,
      status: text,
      pending: text,
      invitedAt: text,
      afterDays: z.array(z.int().min(0)).min(1),
      closed: z.array(text).exactOptional(),
      expiresAt: text.exactOptional(),
      tracking: z.strictObject({ table: tableName, invitation: text, sentAt: text }).exactOptional(),
      job: text.exactOptional(),
      secretsByHand: z.array(text).exactOptional(),
      mostOnFirstRun: z.int().min(0).exactOptional(),
      resource: text.exactOptional(),
      replaces: replacedByReminders,
    })
    .exactOptional(),
  onboarding: z
    .strictObject({
      function: text,
      afterDays: z.array(z.int().min(0)).min(1),
      replaces: replacedByOnboarding,
    })
    .exactOptional(),
  accessCodes: z
    .strictObject({
      function: text,
      argument: text,
      validCode: text,
      validKey: text,
      codes: accessCodeTable.exactOptional(),
    })
    .exactOptional(),
  access: accessContract.exactOptional(),
  integrity: integrityContract.exactOptional(),
})

const mail = z.strictObject({
  account: z
    .strictObject({
      rateLimit: z.number().min(0).exactOptional(),
      apiKey: z.enum(['full_access', 'sending_access', 'none']).exactOptional(),
      verifiedDomains: z.union([z.literal('any'), z.array(text)]).exactOptional(),
      ownAddress: z.email().exactOptional(),
      refuseExampleRecipients: z.boolean().exactOptional(),
    })
    .exactOptional(),
  webhook: z.strictObject({ function: text, secretEnv: text }).exactOptional(),
  live: z.strictObject({ allow: z.array(z.email('must be an address; a domain cannot be allowed')) }).exactOptional(),
})

/** The whole of `greenlight.config.ts`. Unknown keys are refused; every complaint is collected. */
export const configSchema: z.ZodType<GreenlightConfig> = z.strictObject({
  dump: paths.exactOptional(),
  migrations: text.exactOptional(),
  rollback: text.exactOptional(),
  development: text.exactOptional(),
  functions: text.exactOptional(),
  baseline: text.exactOptional(),
  maxBlock: z.number().positive().exactOptional(),
  engine: z.enum(engineNames).exactOptional(),
  image: text.exactOptional(),
  engineUrl: text.exactOptional(),
  production: z.strictObject({ hosts: z.array(text) }).exactOptional(),
  client: z.enum(clientNames).exactOptional(),
  out: text.exactOptional(),
  suites: z.array(text).exactOptional(),
  seed: z.int().min(0).exactOptional(),
  require: z.array(text).exactOptional(),
  canaries: z.array(canary).exactOptional(),
  identities: z.union([z.int().min(1), z.literal('all')], 'must be a whole number from 1, or "all"').exactOptional(),
  usersPerKind: z.int().min(1).exactOptional(),
  logins: z.union([z.int().min(1), z.literal('all')]).exactOptional(),
  functionsEnv: z.record(text, z.string()).exactOptional(),
  mail: mail.exactOptional(),
  mask: mask.exactOptional(),
  queries: z
    .array(query)
    .refine((queries) => new Set(queries.map(({ name }) => name)).size === queries.length, {
      message: 'two queries have one name',
    })
    .exactOptional(),
  contracts: contracts.check(checkTogether).exactOptional(),
  waivers: z.array(waiver).exactOptional(),
  plan: z
    .strictObject({
      replace: z.boolean().exactOptional(),
      items: z.array(z.strictObject({ text, phase: text.exactOptional(), evidence: z.array(text).exactOptional() })),
    })
    .exactOptional(),
})
