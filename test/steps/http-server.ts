import type { Connection } from '../../src/model/connection.ts'

// Ranges, as curl, wget and apt ask for them; one request after the other. The first answer of a file named cut-* breaks
// off in its middle. Every request line and range is noted.
const SERVER = String.raw`use strict; use IO::Socket::INET;
my ($root, $port) = @ARGV;
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 8, ReuseAddr => 1) or die $!;
my %cut; $| = 1; open my $log, '>>', "$root/requests" or die; $log->autoflush(1); $SIG{PIPE} = 'IGNORE';
while (my $client = $server->accept) {
  my $line = <$client> // next; my $range = 0;
  while (my $header = <$client>) { last if $header =~ /^\r?\n$/; $range = $1 if $header =~ /^Range: bytes=(\d+)-/i }
  my ($path) = $line =~ m{^GET /([\w.-]*)}; print $log "$path $range\n";
  if ($path eq 'busy') { print $client "HTTP/1.1 503 Busy\r\nConnection: close\r\n\r\n"; close $client; next }
  my $body = ''; my $found = open(my $file, '<:raw', "$root/$path") && -f "$root/$path";
  if (!$found) { print $client "HTTP/1.1 404 None\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"; close $client; next }
  { local $/; $body = <$file> }
  my $size = length $body; my $rest = substr($body, $range) // '';
  if ($range >= $size && $size) { print $client "HTTP/1.1 416 Range\r\nConnection: close\r\n\r\n"; close $client; next }
  my $status = $range ? "206 Part\r\nContent-Range: bytes $range-" . ($size - 1) . "/$size" : '200 OK';
  print $client "HTTP/1.1 $status\r\nContent-Length: " . length($rest) . "\r\nConnection: close\r\n\r\n";
  $rest = substr($rest, 0, length($rest) / 2) if $path =~ /^cut-/ && !$cut{$path}++;
  print $client $rest; close $client;
}`

/** A web server on a node's own loopback: the files of a directory, at a port. `requests` in it notes `<path> <offset>`. */
export async function serveOn(connection: Connection, directory: string, port: number): Promise<void> {
  await connection.writeFile('/usr/local/bin/test-server', SERVER, 0o755)
  const { status, stderr } = await connection.script(
    `mkdir -p ${directory}
systemd-run -q --unit=test-server-${String(port)} perl /usr/local/bin/test-server ${directory} ${String(port)}
n=0
until bash -c 'exec 3<>/dev/tcp/127.0.0.1/${String(port)}' 2>/dev/null; do
  [ $((n += 1)) -lt 100 ] || exit 1
  sleep 0.05
done`,
  )
  if (status !== 0) throw new Error(`the server did not start: ${stderr}`)
}
