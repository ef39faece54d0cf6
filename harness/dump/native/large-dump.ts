import { existsSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster } from '../../database/engine.ts'
import { preparePlatform } from '../../platform/prepare.ts'
import type { NativeClient } from './client.ts'

/** Raise it when the tables change: a dump of an older generation is then not taken again. */
const generation = 4
/** Users that a dump of one megabyte has; everything else follows from it. */
const usersPerMegabyte = 720

/**
 * A custom archive of about so many megabytes, as an app on the platform may have it: accounts with their identities,
 * sessions and tokens (a sixth of the bytes), profiles, projects, messages, a log of events in JSON, long texts; uuids,
 * bigints, timestamps, indexes and foreign keys; hashes that hardly compress beside words that do. Made once on this
 * machine, in the temp folder, and kept there. Packed at level 1, since that is what making it waits for.
 */
export async function makeLargeDump(cluster: Cluster, client: NativeClient, megabytes: number): Promise<string> {
  const path = join(tmpdir(), `greenlight-large-${generation}-${megabytes}.dump`)
  if (existsSync(path)) return path
  await using database = await cluster.createDatabase(`large_source_${megabytes}`)
  await preparePlatform(database)
  {
    await using connection = await database.connect()
    await connection.query(tables(Math.round(megabytes * usersPerMegabyte)))
  }
  const partial = `${path}.${process.pid}`
  const options = ['-Fc', '--compress', '1', '--file', partial, database.name]
  const { exitCode, messages } = await client.run('pg_dump', options, database)
  if (exitCode !== 0) throw new Error(`pg_dump failed: ${messages}`)
  await rename(partial, path)
  return path
}

const words =
  'the a plan meeting budget draft review client lunch train please moved until friday agreed nobody room later'.split(
    ' ',
  )
const word = (n: number) => words[n % words.length]
const phrases = Array.from({ length: 64 }, (_, n) =>
  [word(n), word(7 * n + 3), word(5 * n + 1), word(11 * n)].join(' '),
)
/** One of the phrases for a number, as SQL; a constant, so that nothing is looked up for a row. */
const phrase = (n: string) => `('{${phrases.join(',')}}'::text[])[1 + (${n}) % ${phrases.length}]`

const tables = (users: number) => `
  CREATE FUNCTION pg_temp.hash(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT md5(n::text)';
  CREATE FUNCTION pg_temp.id(of text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS 'SELECT md5(of || n::text)::uuid';
  CREATE SCHEMA auth;
  CREATE TABLE auth.users (id uuid, email varchar(255), encrypted_password varchar(255), confirmation_token varchar(255),
    raw_user_meta_data jsonb, phone text, last_sign_in_at timestamptz, created_at timestamptz);
  INSERT INTO auth.users SELECT pg_temp.id('user', n), 'user' || n || '@' || substr(md5(n::text), 1, 6) || '.example.org',
      '$2a$10$' || substr(md5(n::text) || md5((n + 1)::text), 1, 53), '',
      jsonb_build_object('name', initcap(substr(md5(n::text), 1, 7)) || ' ' || initcap(substr(md5(n::text), 9, 9)), 'email', 'user' || n || '@' || substr(md5(n::text), 1, 6) || '.example.org'),
      CASE WHEN n % 5 = 0 THEN '49151' || (1000000 + n) END, now() - n * interval '7 seconds', timestamptz '2024-01-01 00:00+00' + n * interval '37 seconds'
    FROM generate_series(1, ${users}) n;
  CREATE TABLE auth.identities (id uuid, user_id uuid, provider_id text, provider text, identity_data jsonb, created_at timestamptz);
  INSERT INTO auth.identities SELECT pg_temp.id('identity', row_number() OVER ()), id, id::text, 'email', jsonb_build_object('sub', id, 'email', email, 'email_verified', true), created_at FROM auth.users;
  CREATE TABLE auth.sessions (id uuid, user_id uuid, ip inet, user_agent text, created_at timestamptz);
  INSERT INTO auth.sessions SELECT pg_temp.id('session', n), pg_temp.id('user', n), ('10.' || n % 200 || '.' || n / 200 % 250 || '.' || n / 50000 % 250)::inet, 'Mozilla/5.0 (X11; Linux x86_64) Chrome/' || 100 + n % 40, now() FROM generate_series(1, ${users}) n;
  CREATE TABLE auth.refresh_tokens (id bigint GENERATED ALWAYS AS IDENTITY, token varchar(255), parent varchar(255), user_id varchar(255), session_id uuid, revoked boolean, created_at timestamptz);
  INSERT INTO auth.refresh_tokens (token, parent, user_id, session_id, revoked, created_at)
    SELECT substr(pg_temp.hash(n * 3), 1, 12), substr(pg_temp.hash(n * 3 + 1), 1, 12), pg_temp.id('user', 1 + n % ${users})::text, pg_temp.id('session', 1 + n % ${users}), n % 2 = 0, now() FROM generate_series(1, ${users}::bigint * 2) n;

  CREATE TABLE public.profiles AS SELECT id, email::text AS email, raw_user_meta_data ->> 'name' AS full_name, 'https://cdn.example.org/' || id || '.png' AS avatar_url,
      jsonb_build_object('theme', 'dark', 'locale', 'en', 'api_token', md5(id::text)) AS settings, created_at FROM auth.users;
  CREATE TABLE public.projects AS SELECT n AS id, pg_temp.id('user', 1 + (n * 7919) % ${users}) AS owner_id, 'Project ' || ${phrase('n')} AS title,
      (n % 100000) / 100.0 AS budget, timestamptz '2025-01-01 00:00+00' + n * interval '91 seconds' AS starts_at FROM generate_series(1, ${users}::bigint * 2) n;
  CREATE TABLE public.documents AS SELECT n AS id, 1 + (n * 31) % (${users} * 2) AS project_id,
      (SELECT string_agg(${phrase('n * 7 + i * 13')} || ' ' || substr(pg_temp.hash(n + i), 1, 8), '. ') FROM generate_series(1, 60) i) AS body FROM generate_series(1, ${users}::bigint / 10) n;
  CREATE TABLE public.messages AS SELECT n AS id, 1 + (n * 104729) % (${users} * 2) AS project_id, pg_temp.id('user', 1 + (n * 1299709) % ${users}) AS author_id,
      ${phrase('n')} || ' ' || ${phrase('n / 64')} || E'\\n' || substr(pg_temp.hash(n * 19), 1, 16) AS body, n % 3 = 0 AS read,
      timestamptz '2025-06-01 00:00+00' + n * interval '3 seconds' AS created_at FROM generate_series(1, ${users}::bigint * 8) n;
  CREATE TABLE public.events AS SELECT n AS id, pg_temp.id('visit', n / 5) AS visitor, (ARRAY['view', 'click', 'save'])[1 + n % 3] AS kind,
      jsonb_build_object('path', '/projects/' || n % 1000, 'element', ${phrase('n')}, 'ms', n % 977) AS properties, timestamptz '2025-06-01 00:00+00' + n * interval '2 seconds' AS at FROM generate_series(1, ${users}::bigint * 5) n;
  CREATE TABLE public.visits AS SELECT n AS id, md5((n * 29)::text)::uuid AS visitor, CASE WHEN n % 4 > 0 THEN md5((n * 31)::text) END AS referrer,
      (n * 37) % 65536 AS weight FROM generate_series(1, ${users}::bigint * 5) n;
  DO $$ BEGIN
    FOR i IN 1..40 LOOP
      EXECUTE format('CREATE TABLE public.small_%s AS SELECT n AS id, md5(n::text) AS label FROM generate_series(1, %s) n', i, i * 20);
      EXECUTE format('ALTER TABLE public.small_%s ADD PRIMARY KEY (id)', i);
    END LOOP;
  END $$;

  ALTER TABLE auth.users ADD PRIMARY KEY (id);
  CREATE UNIQUE INDEX users_email ON auth.users (email);
  ALTER TABLE auth.identities ADD PRIMARY KEY (id), ADD FOREIGN KEY (user_id) REFERENCES auth.users;
  ALTER TABLE auth.sessions ADD PRIMARY KEY (id), ADD FOREIGN KEY (user_id) REFERENCES auth.users;
  ALTER TABLE auth.refresh_tokens ADD PRIMARY KEY (id), ADD FOREIGN KEY (session_id) REFERENCES auth.sessions;
  ALTER TABLE public.profiles ADD PRIMARY KEY (id), ADD UNIQUE (email), ADD FOREIGN KEY (id) REFERENCES auth.users;
  ALTER TABLE public.projects ADD PRIMARY KEY (id), ADD FOREIGN KEY (owner_id) REFERENCES public.profiles;
  ALTER TABLE public.documents ADD PRIMARY KEY (id), ADD FOREIGN KEY (project_id) REFERENCES public.projects;
  ALTER TABLE public.messages ADD PRIMARY KEY (id), ADD FOREIGN KEY (project_id) REFERENCES public.projects, ADD FOREIGN KEY (author_id) REFERENCES public.profiles;
  ALTER TABLE public.events ADD PRIMARY KEY (id);
  ALTER TABLE public.visits ADD PRIMARY KEY (id);
  CREATE INDEX ON public.messages (project_id, created_at);
  CREATE INDEX ON public.projects (owner_id);
  CREATE INDEX ON public.events (visitor, at);
  CREATE INDEX ON public.projects USING gin (to_tsvector('simple', title));
`
