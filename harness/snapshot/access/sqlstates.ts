const words: Readonly<Record<string, string>> = {
  '42P17': 'infinite recursion in a policy',
  '42703': 'a column that does not exist',
  '42P01': 'a table that does not exist',
  '42883': 'a function that does not exist',
  '42501': 'no permission',
  '42704': 'an object that does not exist',
  '57014': 'not done within the time limit',
  '22023': 'a parameter that is not valid',
  '23502': 'a value that is missing',
  '22P02': 'a value that cannot be read as its type',
  '54001': 'stack depth exceeded',
  '25006': 'a write in a policy',
  P0001: 'an exception raised',
}

/** `42P17, infinite recursion in a policy`. Postgres' own message stays out: it may quote a value. */
export function sqlstateInWords(sqlstate: string): string {
  const meaning = words[sqlstate]
  return meaning === undefined ? sqlstate : `${sqlstate}, ${meaning}`
}

export const timedOut = '57014'
