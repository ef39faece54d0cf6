import { existsSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster } from '../../database/engine.ts'
import type { NativeClient } from './client.ts'

/** Raise it when the tables change: a dump of an older generation is then not taken again. */
const generation = 2

/**
 * A custom archive of about 300 MB: wide and narrow tables, hashes that hardly compress, indexes, foreign keys.
 * Made once on this machine, in the temp folder, and kept there.
 */
export async function makeLargeDump(cluster: Cluster, client: NativeClient): Promise<string> {
  const path = join(tmpdir(), `greenlight-large-${generation}.dump`)
  if (existsSync(path)) return path
  await using database = await cluster.createDatabase('large_source')
  {
    await using connection = await database.connect()
    await connection.query(tables)
  }
  const partial = `${path}.${process.pid}`
  const { exitCode, messages } = await client.run('pg_dump', ['-Fc', '--file', partial, database.name], database)
  if (exitCode !== 0) throw new Error(`pg_dump failed: ${messages}`)
  await rename(partial, path)
  return path
}

const tables = `
  CREATE SCHEMA large;
  CREATE TABLE large.users AS
    SELECT n AS id, md5(n::text) || '@example.org' AS email, initcap(substr(md5((n::bigint * 7)::text), 1, 12)) AS name,
           jsonb_build_object('theme', n % 5, 'token', md5((n::bigint * 11)::text)) AS settings,
           timestamptz '2024-01-01 00:00+00' + n * interval '37 seconds' AS created_at
      FROM generate_series(1, 250000) n;
  CREATE TABLE large.events AS
    SELECT n AS id, 1 + (n::bigint * 7919) % 250000 AS owner_id, 'Event ' || md5((n::bigint * 13)::text) AS title,
           repeat(md5((n::bigint * 17)::text) || ' ', 1 + n % 6) AS description, (n % 100000) / 100.0 AS budget,
           timestamptz '2025-01-01 00:00+00' + n * interval '91 seconds' AS starts_at
      FROM generate_series(1, 400000) n;
  CREATE TABLE large.messages AS
    SELECT n AS id, 1 + (n * 104729) % 400000 AS event_id, 1 + (n * 1299709) % 250000 AS user_id,
           md5((n::bigint * 19)::text) || E'\\n' || md5((n::bigint * 23)::text) AS body, n % 3 = 0 AS read,
           timestamptz '2025-06-01 00:00+00' + n * interval '3 seconds' AS created_at
      FROM generate_series(1, 2650000::bigint) n;
  CREATE TABLE large.visits AS
    SELECT n AS id, md5((n::bigint * 29)::text)::uuid AS visitor, CASE WHEN n % 4 = 0 THEN NULL ELSE md5((n::bigint * 31)::text) END AS referrer,
           (n * 37) % 65536 AS weight
      FROM generate_series(1, 2650000::bigint) n;
  DO $$ BEGIN
    FOR i IN 1..40 LOOP
      EXECUTE format('CREATE TABLE large.small_%s AS SELECT n AS id, md5(n::text) AS label FROM generate_series(1, %s) n', i, i * 20);
      EXECUTE format('ALTER TABLE large.small_%s ADD PRIMARY KEY (id)', i);
    END LOOP;
  END $$;
  ALTER TABLE large.users ADD PRIMARY KEY (id), ADD UNIQUE (email);
  ALTER TABLE large.events ADD PRIMARY KEY (id), ADD FOREIGN KEY (owner_id) REFERENCES large.users;
  ALTER TABLE large.messages ADD PRIMARY KEY (id), ADD FOREIGN KEY (event_id) REFERENCES large.events,
    ADD FOREIGN KEY (user_id) REFERENCES large.users;
  ALTER TABLE large.visits ADD PRIMARY KEY (id);
  CREATE INDEX ON large.messages (event_id, created_at);
  CREATE INDEX ON large.events (owner_id);
`
