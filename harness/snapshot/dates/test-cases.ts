/** One migration and what the dates must say of it: `table(column): title without the table`. Every case has a schema of its own. */
export type DateCase = { readonly before: string; readonly migration: string; readonly findings: readonly string[] }

/** 1,500 events: from June, in New York's summer time, and 20 in January; every hour of the day. */
const events = (type: string) => `CREATE TABLE events (id int PRIMARY KEY, starts_at ${type}, title text);
  INSERT INTO events SELECT n, timestamp '2026-06-01 00:00' + n * interval '61 minutes', 'e' FROM generate_series(1, 1480) n;
  INSERT INTO events SELECT n, timestamp '2026-01-01 00:00' + (n - 1480) * interval '61 minutes', 'e' FROM generate_series(1481, 1500) n;`
/** The hard ones: both edges of summer time, the ends of time, other calendars' years, nothing at all. */
const hard = (type: string) => `CREATE TABLE hard (id int PRIMARY KEY, at ${type});
  INSERT INTO hard VALUES (1, '2026-03-08 02:30'), (2, '2026-11-01 01:30'), (3, 'infinity'), (4, '-infinity'), (5, '1900-01-01 00:00'),
    (6, '9999-12-31 23:59:59.999999'), (7, '0044-03-15 12:00 BC'), (8, NULL), (9, '2026-03-29 02:30'), (10, '10000-01-01 00:00');`
const days = `CREATE TABLE days (id int PRIMARY KEY, due date, note text);
  INSERT INTO days SELECT n, date '2026-01-01' + n, 'n' FROM generate_series(1, 100) n;
  INSERT INTO days VALUES (101, 'infinity'), (102, NULL), (103, '0044-03-15 BC'), (104, '9999-12-31');`
const precise = `CREATE TABLE precise (id int PRIMARY KEY, at timestamptz);
  INSERT INTO precise SELECT n, timestamptz '2026-01-01 00:00:00.123456Z' + n * interval '3 hours 17 seconds' FROM generate_series(1, 50) n;`

export const dateCases = {
  'a timestamp re-typed under another zone': {
    before: events('timestamp'),
    migration: "SET LOCAL TimeZone = 'America/New_York'; ALTER TABLE events ALTER starts_at TYPE timestamptz",
    findings: ['events(starts_at): 1,480 rows moved by +04:00 and 20 rows by +05:00'],
  },
  'a timestamp re-typed with the right zone': {
    before: events('timestamp') + hard('timestamp'),
    migration: `SET LOCAL TimeZone = 'America/New_York';
      ALTER TABLE events ALTER starts_at TYPE timestamptz USING starts_at AT TIME ZONE 'UTC';
      ALTER TABLE hard ALTER at TYPE timestamptz USING at AT TIME ZONE 'UTC'`,
    findings: [],
  },
  'a timestamp re-typed in a session in UTC': {
    before: hard('timestamp'),
    migration: "SET LOCAL TimeZone = 'UTC'; ALTER TABLE hard ALTER at TYPE timestamptz",
    findings: [],
  },
  'the hard ones under another zone, all but those at the ends of time': {
    before: hard('timestamp'),
    migration: "SET LOCAL TimeZone = 'Asia/Kolkata'; ALTER TABLE hard ALTER at TYPE timestamptz",
    findings: ['hard(at): 7 rows moved, 5 of them by −05:30,'],
  },
  'a timestamptz that loses its zone under another one': {
    before: events('timestamptz'),
    migration: "SET LOCAL TimeZone = 'Pacific/Auckland'; ALTER TABLE events ALTER starts_at TYPE timestamp",
    findings: ['events(starts_at): 1,480 rows moved by +12:00 and 20 rows by +13:00'],
  },
  'a timestamptz that loses its zone in UTC': {
    before: events('timestamptz') + hard('timestamptz'),
    migration: `ALTER TABLE events ALTER starts_at TYPE timestamp USING starts_at AT TIME ZONE 'UTC';
      ALTER TABLE hard ALTER at TYPE timestamp USING at AT TIME ZONE 'UTC'`,
    findings: [],
  },
  'a day that moves because a zone was read': {
    before:
      "CREATE TABLE due (id int PRIMARY KEY, at timestamptz); INSERT INTO due SELECT n, date '2026-01-01' + n FROM generate_series(1, 30) n",
    migration: "SET LOCAL TimeZone = 'America/New_York'; ALTER TABLE due ALTER at TYPE date",
    findings: ['due(at): 30 rows are on another day'],
  },
  'a timestamptz at midnight that becomes the same day': {
    before:
      "SET TimeZone = 'UTC'; CREATE TABLE due (id int PRIMARY KEY, at timestamptz); INSERT INTO due SELECT n, date '2026-01-01' + n FROM generate_series(1, 30) n",
    migration: "SET LOCAL TimeZone = 'UTC'; ALTER TABLE due ALTER at TYPE date",
    findings: [],
  },
  'a timestamptz that loses its time of day': {
    before: precise,
    migration: "SET LOCAL TimeZone = 'UTC'; ALTER TABLE precise ALTER at TYPE date",
    findings: ['precise(at): 50 rows lost their time of day'],
  },
  'a date that becomes a moment in another zone': {
    before: days,
    migration: "SET LOCAL TimeZone = 'Asia/Kolkata'; ALTER TABLE days ALTER due TYPE timestamptz",
    findings: ['days(due): 101 rows moved by −05:30 and 1 row by −05:53:28'],
  },
  'a date that becomes a timestamp': {
    before: days,
    migration: 'ALTER TABLE days ALTER due TYPE timestamp',
    findings: [],
  },
  'dates that all move by a day': {
    before: days,
    migration: 'UPDATE days SET due = due - 1',
    findings: ['days(due): 102 rows moved by −1 day'],
  },
  'a few dates that are put off by a day': {
    before: days,
    migration: 'UPDATE days SET due = due + 1 WHERE id < 6',
    findings: [],
  },
  'many dates that are put off by a day': {
    before: days,
    migration: 'UPDATE days SET due = due + 1 WHERE id < 31',
    findings: ['days(due): 30 rows moved by +1 day'],
  },
  'dates that are set anew one by one': {
    before: days,
    migration: "UPDATE days SET due = date '2027-01-01' + (id * 7919 % 3001) WHERE id <= 100",
    findings: [],
  },
  'dates that come, go and are emptied': {
    before: days,
    migration:
      "DELETE FROM days WHERE id < 40; UPDATE days SET due = NULL WHERE id > 80; INSERT INTO days VALUES (200, '2026-01-01')",
    findings: [],
  },
  'timestamps cut to seconds': {
    before: precise,
    migration: 'ALTER TABLE precise ALTER at TYPE timestamptz(0)',
    findings: ['precise(at): 50 rows lost their fractions of a second'],
  },
  'timestamps that had no fractions cut to seconds': {
    before:
      "CREATE TABLE precise (id int PRIMARY KEY, at timestamptz); INSERT INTO precise SELECT n, timestamptz '2026-01-01Z' + n * interval '17 s' FROM generate_series(1, 50) n",
    migration: 'ALTER TABLE precise ALTER at TYPE timestamptz(0)',
    findings: [],
  },
  'timestamps cut to minutes by an update': {
    before: precise,
    migration: "UPDATE precise SET at = date_trunc('minute', at)",
    findings: ['precise(at): 50 rows lost their seconds'],
  },
  'a column and a table with other names': {
    before: events('timestamptz'),
    migration: 'ALTER TABLE events RENAME starts_at TO "From"; ALTER TABLE events RENAME TO "All events"',
    findings: [],
  },
  'a renamed column that also moves': {
    before: events('timestamptz'),
    migration: `ALTER TABLE events RENAME starts_at TO "From"; UPDATE events SET "From" = "From" + interval '1 hour'`,
    findings: ['events(starts_at): 1,500 rows moved by +01:00'],
  },
  'a trigger that keeps the last change': {
    before: `${days} ALTER TABLE days ADD updated_at timestamptz DEFAULT '2026-01-01 00:00:00.5Z'; UPDATE days SET updated_at = updated_at + id * interval '7 min 3 s'`,
    migration: "UPDATE days SET updated_at = now() + interval '1 ms', note = 'm'",
    findings: [],
  },
  'a column of the last change that is re-typed under another zone': {
    before: `${days} ALTER TABLE days ADD updated_at timestamptz DEFAULT '2026-01-01Z'`,
    migration: "ALTER TABLE days ALTER updated_at TYPE timestamp USING updated_at AT TIME ZONE 'America/New_York'",
    findings: ['days(updated_at): 104 rows moved by −05:00'],
  },
  'a default that is another': {
    before: days,
    migration: "ALTER TABLE days ALTER due SET DEFAULT '2030-01-01'",
    findings: [],
  },
  'text that becomes a moment in another zone': {
    before:
      "CREATE TABLE words (id int PRIMARY KEY, at text); INSERT INTO words VALUES (1, '2026-01-01T10:00:00'), (2, '2026-07-01 11:30'), (3, NULL), (4, '2026-01-01T10:00:00Z')",
    migration:
      "SET LOCAL TimeZone = 'America/New_York'; ALTER TABLE words ALTER at TYPE timestamptz USING at::timestamptz",
    findings: ['words(at): 1 row moved by +04:00 and 1 row by +05:00'],
  },
  'a moment that becomes text': {
    before: events('timestamptz'),
    migration: "SET LOCAL TimeZone = 'Asia/Kolkata'; ALTER TABLE events ALTER starts_at TYPE text",
    findings: [],
  },
  'a moment that becomes text without its zone': {
    before: events('timestamptz'),
    migration:
      "ALTER TABLE events ALTER starts_at TYPE text USING to_char(starts_at AT TIME ZONE 'Asia/Kolkata', 'YYYY-MM-DD HH24:MI:SS')",
    findings: ['events(starts_at): 1,500 rows moved by +05:30'],
  },
  'ranges and arrays under another zone': {
    before: `CREATE TABLE slots (id int PRIMARY KEY, span tsrange, at timestamp[], days daterange, many tsmultirange);
      INSERT INTO slots SELECT n, tsrange(timestamp '2026-01-01' + n * interval '1 h', NULL), ARRAY[timestamp '2026-01-01 10:00', NULL, timestamp '2026-01-02'],
        daterange('2026-01-01', '2026-01-05'), tsmultirange(tsrange('2026-01-01', '2026-01-02'), tsrange('2026-01-03', '2026-01-04')) FROM generate_series(1, 9) n`,
    migration: `SET LOCAL TimeZone = 'Asia/Kolkata'; ALTER TABLE slots ALTER at TYPE timestamptz[],
      ALTER span TYPE tstzrange USING tstzrange(lower(span)::timestamptz, upper(span)::timestamptz); UPDATE slots SET days = daterange(lower(days) + 1, upper(days) + 1)`,
    findings: [
      'slots(at): 9 rows moved by −05:30',
      'slots(days): 9 rows moved by +1 day',
      'slots(span): 9 rows moved by −05:30',
    ],
  },
  'ranges and arrays that stay': {
    before:
      "CREATE TABLE slots (id int PRIMARY KEY, span tstzrange, at timestamptz[]); INSERT INTO slots VALUES (1, 'empty', '{}'), (2, '(,)', NULL), (3, NULL, '{infinity,2026-01-01}')",
    migration: 'ALTER TABLE slots ALTER at TYPE timestamp[]',
    findings: [],
  },
  'times of day that wrap at midnight': {
    before:
      "CREATE TABLE shifts (id int PRIMARY KEY, opens time, at timetz); INSERT INTO shifts SELECT n, time '00:00' + n * interval '1 h', '10:00+00' FROM generate_series(0, 23) n",
    migration: "UPDATE shifts SET opens = opens + interval '5 h', at = '12:00+02'",
    findings: ['shifts(opens): 24 rows moved by +05:00'],
  },
  'a table without a key that moves as a whole': {
    before:
      "CREATE TABLE log (what text, at timestamp); INSERT INTO log SELECT 'w' || n % 7, timestamp '2026-01-01' + n * interval '1 h' FROM generate_series(1, 70) n",
    migration: "ALTER TABLE log ALTER at TYPE timestamptz USING at AT TIME ZONE 'Asia/Kolkata'",
    findings: ['log(at): 70 rows moved by −05:30'],
  },
  'a table without a key that loses its oldest row and gets a new one': {
    before:
      "CREATE TABLE log (what text, at timestamptz); INSERT INTO log SELECT 'w', timestamp '2026-01-01' + n * interval '1 day' FROM generate_series(1, 70) n",
    migration:
      "DELETE FROM log WHERE at = (SELECT min(at) FROM log); INSERT INTO log SELECT 'w', max(at) + interval '1 day' FROM log",
    findings: [],
  },
  'a key with a day in it': {
    before:
      "CREATE TABLE bookings (room int, day date, PRIMARY KEY (room, day)); INSERT INTO bookings SELECT n % 3, date '2026-01-01' + n FROM generate_series(1, 60) n",
    migration: 'UPDATE bookings SET day = day + 1000; UPDATE bookings SET day = day - 1001',
    findings: ['bookings(day): 60 rows moved by −1 day'],
  },
  'ends that come before their starts': {
    before:
      "CREATE TABLE spans (id int PRIMARY KEY, starts_at timestamptz, ends_at timestamptz); INSERT INTO spans SELECT n, timestamp '2026-01-01' + n * interval '1 day', timestamp '2026-01-02' + n * interval '1 day' FROM generate_series(1, 50) n",
    migration: "UPDATE spans SET ends_at = starts_at - interval '7 min' * id WHERE id < 4",
    findings: ['spans(ends_at): 3 rows of spans end before they start: ends_at is before starts_at'],
  },
  'ends that came before their starts already': {
    before:
      "CREATE TABLE spans (id int PRIMARY KEY, starts_at timestamptz, ends_at timestamptz); INSERT INTO spans VALUES (1, '2026-01-02', '2026-01-01')",
    migration: "INSERT INTO spans VALUES (2, '2026-01-02', '2026-01-01')",
    findings: [],
  },
  'partitions and odd names': {
    before: `CREATE TABLE "Odd ""table" ("key of" int PRIMARY KEY, "At" timestamp) PARTITION BY RANGE ("key of");
      CREATE TABLE p1 PARTITION OF "Odd ""table" FOR VALUES FROM (0) TO (5); CREATE TABLE p2 PARTITION OF "Odd ""table" FOR VALUES FROM (5) TO (50);
      INSERT INTO "Odd ""table" SELECT n, timestamp '2026-01-01' FROM generate_series(1, 10) n; CREATE TABLE empty (id int PRIMARY KEY, at timestamptz)`,
    migration: `SET LOCAL TimeZone = 'Asia/Kolkata'; ALTER TABLE "Odd ""table" ALTER "At" TYPE timestamptz; ALTER TABLE empty ALTER at TYPE timestamp`,
    findings: ['"Odd ""table"(At): 10 rows moved by −05:30'],
  },
} satisfies Readonly<Record<string, DateCase>>
