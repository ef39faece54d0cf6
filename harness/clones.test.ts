import { expect, test } from 'vitest'
import { untouchedCopies } from './clones.ts'
import { startTestCluster } from './database/test-cluster.ts'

test('a database is cloned while it is read, and nothing of it is left in the end', async () => {
  await using cluster = await startTestCluster()
  const before = await cluster.createDatabase('before')
  {
    await using session = await before.connect()
    await session.query('create table t as select generate_series(1, 3) n')
  }
  {
    await using copies = await untouchedCopies([before])
    await using reader = await before.connect({ readOnly: true })
    await reader.query('begin')
    await reader.query('select from t')
    await using clone = await copies.clone(before)
    await using other = await copies.clone(clone)
    await using session = await other.connect()
    expect((await session.query('select count(*)::int as n from t')).rows).toEqual([{ n: 3 }])
    expect((await reader.query('select count(*)::int as n from t')).rows).toEqual([{ n: 3 }])
  }
  await using session = await cluster.maintain()
  const { rows } = await session.query(`select datname from pg_database where datname ~ 'clone|untouched'`)
  expect(rows).toEqual([])
})
