import { adminRole } from '../engine.ts'
import { asFlags, serverSettings, statementStatistics } from '../server-settings.ts'

/** Where the folder with the server's socket is in both containers. */
export const socketFolder = '/greenlight'
export const port = 5432

/** Exit code (EX_CONFIG) of an image that has no server. */
export const noServer = 78

/**
 * Command of the server's container: a cluster of our own in any image that has `initdb` and `postgres`, whatever its
 * entrypoint would do. Runs as an ordinary user, in a plain shell. The password comes in GREENLIGHT_PASSWORD.
 */
export function serverCommand(data: string): readonly string[] {
  const script = `
set -eu
umask 077
command -v initdb >/dev/null || for bin in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/local/pgsql/bin /opt/bitnami/postgresql/bin; do
  if [ -x "$bin/initdb" ]; then PATH="$bin:$PATH"; fi
done
command -v initdb >/dev/null || { echo "This image has no initdb: it is no image of a Postgres server." >&2; exit ${noServer}; }
major=$(postgres --version | sed -n 's/^[^)]*) \\([0-9]*\\).*/\\1/p')
# Text is compared by code point on every version: by Postgres itself where it can, else by the C library.
if [ "$major" -ge 17 ]; then set -- "$@" --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8
elif [ "$major" -ge 15 ]; then set -- "$@" --lc-collate=C --lc-ctype=C.UTF-8 --locale-provider=libc
else set -- "$@" --lc-collate=C --lc-ctype=C.UTF-8; fi
password=$(mktemp)
printf %s "$GREENLIGHT_PASSWORD" >"$password"
unset GREENLIGHT_PASSWORD
initdb -D ${data} -U ${adminRole} --pwfile="$password" --auth=scram-sha-256 --encoding=UTF8 --no-sync "$@" >/tmp/initdb.log 2>&1 || { cat /tmp/initdb.log >&2; exit 1; }
rm "$password"
set -- ${asFlags(serverSettings).join(' ')}
[ "$major" -lt 16 ] || set -- "$@" -c scram_iterations=1
library=pg_stat_statements.so
for folder in "$(pg_config --pkglibdir 2>/dev/null)" "$(dirname "$(readlink -f "$(command -v postgres)")")/../lib" "$(dirname "$(readlink -f "$(command -v postgres)")")/../lib/postgresql"; do
  if [ -e "$folder/$library" ]; then
    set -- "$@" ${asFlags(statementStatistics).join(' ')}
    break
  fi
done
exec postgres -D ${data} -c listen_addresses= -c unix_socket_directories=${socketFolder} "$@"
`
  return ['sh', '-c', script, 'server']
}

/** Programs that can pass connections on, the first that an image has is used. */
export const relayPrograms = ['socat', 'perl'] as const
export type RelayProgram = (typeof relayPrograms)[number]

/** Passes every connection to its port on to the socket, byte by byte, a process each. */
const perlRelay = `
use strict; use warnings; use Socket qw(:DEFAULT IPPROTO_TCP TCP_NODELAY);
my ($port, $path) = @ARGV;
$SIG{CHLD} = 'IGNORE'; $SIG{PIPE} = 'IGNORE';
socket(my $server, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1);
bind($server, sockaddr_in($port, INADDR_ANY)) or die "bind: $!";
listen($server, 128) or die "listen: $!";
print STDERR "listening\n";
while (1) {
  accept(my $client, $server) or next;
  my $pid = fork();
  if (!defined $pid || $pid) { close $client; next }
  close $server;
  socket(my $target, PF_UNIX, SOCK_STREAM, 0) or exit 1;
  connect($target, sockaddr_un($path)) or exit 1;
  setsockopt($client, IPPROTO_TCP, TCP_NODELAY, 1);
  my %other = (fileno($client) => $target, fileno($target) => $client);
  my %open = (fileno($client) => $client, fileno($target) => $target);
  while (%open) {
    my $ready = '';
    vec($ready, $_, 1) = 1 for keys %open;
    select($ready, undef, undef, undef);
    for my $number (keys %open) {
      next unless vec($ready, $number, 1);
      my $read = sysread($open{$number}, my $buffer, 65536);
      if (!$read) { shutdown($other{$number}, 1); delete $open{$number}; next }
      my $sent = 0;
      while ($sent < $read) {
        my $wrote = syswrite($other{$number}, $buffer, $read - $sent, $sent);
        exit 0 unless defined $wrote;
        $sent += $wrote;
      }
    }
  }
  exit 0;
}
`

/** Command of the relay's container: listens on its port and passes on to the server's socket. */
export function relayCommand(program: RelayProgram): readonly string[] {
  const socket = `${socketFolder}/.s.PGSQL.${port}`
  switch (program) {
    case 'socat':
      return ['socat', '-d', '-d', `TCP-LISTEN:${port},fork,reuseaddr,nodelay`, `UNIX-CONNECT:${socket}`]
    case 'perl':
      return ['perl', '-e', perlRelay, String(port), socket]
  }
}
