/**
 * Settings of a throwaway cluster, whichever engine starts it: it needs speed and the same behaviour every time, and
 * nothing in it must survive a crash.
 */
export const serverSettings: Readonly<Record<string, string>> = {
  max_connections: '300',
  shared_buffers: '256MB',
  work_mem: '32MB',
  maintenance_work_mem: '256MB',
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '4GB',
  checkpoint_timeout: '1h',
  // Statistics are refreshed when the harness says so, and no worker ever sits on a template database.
  autovacuum: 'off',
  max_locks_per_transaction: '1024',
  // In the data folder, so that a server that is killed leaves nothing elsewhere.
  dynamic_shared_memory_type: 'mmap',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_min_messages: 'log',
  log_checkpoints: 'off',
  log_statement: 'none',
  log_min_error_statement: 'panic',
  password_encryption: 'scram-sha-256',
}

/** Kept apart: a server whose image lacks the library would not start with them. */
export const statementStatistics: Readonly<Record<string, string>> = {
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track': 'none',
  'pg_stat_statements.save': 'off',
}

/** `-c name=value` for each. */
export function asFlags(settings: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}
