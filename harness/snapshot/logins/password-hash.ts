/**
 * Forms of hashes that GoTrue compares a password with (`internal/crypto/password.go`): bcrypt of cost 4 to 31 as Go's
 * library reads it, Argon2i and Argon2id, Firebase's scrypt. Written so that Postgres and JavaScript both take them.
 */
const acceptedForms = [
  '^[$]2[abxy]?[$](0[4-9]|[12][0-9]|3[01])[$][./A-Za-z0-9]{53}$',
  '^[$]argon2(i|id)[$]v=(16|19)[$]m=[0-9]+,t=[0-9]+,p=[0-9]+(,keyid=[^,$]+)?(,data=[^$]+)?[$][^$]+[$].+$',
  '^[$]fbscrypt[$]v=[0-9]+,n=[0-9]+,r=[0-9]+,p=[0-9]+(,ss=[^,$]+)?(,sk=[^$]+)?[$][^$]+[$].+$',
]

/** SQL of type boolean: whether the text is a hash that GoTrue accepts. */
export function isAcceptedHash(expression: string): string {
  return `(${acceptedForms.map((form) => `${expression} ~ '${form}'`).join(' or ')})`
}
