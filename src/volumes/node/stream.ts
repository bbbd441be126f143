import { VOLUME_PATHS } from './paths.ts'

/**
 * Carries a stream from node to node past ssh, whose cipher and copies would take longer than reading and writing the
 * volume do: for nodes that are all on one machine, whose network nobody else is on. ssh still says who may: over it the
 * receiver tells where it listens and a token for this one stream, and when ssh is gone, either end gives up.
 *
 * `send NODE VOLUME SNAPSHOT` sends its input, prints what the receiver says, and ends as it does; `take CLIENT ADDRESS`
 * listens on the address for that client, says so on file 4, and prints what comes. Both say on file 3 how far they are.
 */
export const STREAM_SCRIPT = String.raw`#!/usr/bin/perl
# Carries volumes between the nodes of one machine. Written by lab.
use strict;
use warnings;
use IO::Socket::INET;
use IPC::Open2;
use Socket qw(SOL_SOCKET SO_KEEPALIVE IPPROTO_TCP TCP_KEEPIDLE TCP_KEEPINTVL TCP_KEEPCNT);
use constant { PIPE_BYTES => 1 << 20, SET_PIPE_SIZE => 1031, PATIENCE_S => 20 };

# Seconds that no clock can change.
sub now { open my $file, '<', '/proc/uptime' or die "no uptime: $!\n"; return (split ' ', <$file>)[0] }

my ($bytes, $began, $told) = (0, now(), 0);
open my $progress, '>&=', 3 or die "file 3: $!\n";
my ($verb, @words) = @ARGV;
$verb eq 'send' ? deliver(@words) : take(@words);

# Without a pipe as large as what is carried at once, most of the time would go into waking each other up.
sub widen { fcntl($_[0], SET_PIPE_SIZE, PIPE_BYTES) }

sub tell_progress {
  syswrite($progress, sprintf("%d bytes copied, %.2f s\n", $bytes, now() - $began));
  $told = now();
}

# Those that there is something to read from; none when the time is over.
sub readable {
  my ($seconds, @handles) = @_;
  my $bits = '';
  vec($bits, fileno($_), 1) = 1 for @handles;
  return unless select($bits, undef, undef, $seconds) > 0;
  return grep { vec($bits, fileno($_), 1) } @handles;
}

sub write_all {
  my ($to, $from, $length, $gone) = @_;
  my $done = 0;
  while ($done < $length) {
    my ($asked, $wanted) = ('', '');
    vec($asked, fileno($gone), 1) = 1;
    vec($wanted, fileno($to), 1) = 1;
    select($asked, $wanted, undef, undef);
    die "the other end broke off\n" if vec($asked, fileno($gone), 1) && !vec($wanted, fileno($to), 1);
    my $wrote = syswrite($to, $$from, $length - $done, $done);
    next if !defined $wrote && $!{EAGAIN};
    die "writing: $!\n" unless defined $wrote;
    $done += $wrote;
  }
}

# Until the input ends. What comes over ssh meanwhile can only be its end.
sub carry {
  my ($from, $to, $ssh) = @_;
  $to->blocking(0);
  while (1) {
    my @ready = readable(undef, $from, $ssh);
    die "the other end broke off\n" if !grep { $_ == $from } @ready;
    my $read = sysread($from, my $buffer, PIPE_BYTES);
    die "reading: $!\n" unless defined $read;
    last if $read == 0;
    write_all($to, \$buffer, $read, $ssh);
    $bytes += $read;
    tell_progress() if now() - $told > 0.5;
  }
  $to->blocking(1);
  tell_progress();
}

sub deliver {
  my ($node, $volume, $snapshot) = @_;
  $SIG{PIPE} = 'IGNORE';
  my $ssh = open2(my $said, my $held, 'ssh', '-F', '${VOLUME_PATHS.transferConfig}', $node, 'take', $volume, $snapshot);
  my $place = <$said> // '';
  my $failed = '';
  if (my ($address, $port, $token) = $place =~ /^at ([0-9.]+) ([0-9]+) ([0-9a-f]+)$/) {
    my $socket = IO::Socket::INET->new(PeerAddr => $address, PeerPort => $port, Timeout => PATIENCE_S);
    widen(\*STDIN);
    $failed = "connecting to $address: $!\n" unless $socket;
    eval { syswrite($socket, $token); carry(\*STDIN, $socket, $said); 1 } or $failed = $@ if $socket;
    # The receiver sees by this that nothing more comes, and by ssh whether that is as it should be.
    close $held if $failed;
    $socket->shutdown(1) if $socket;
  } else {
    print $place;
  }
  print while <$said>;
  waitpid $ssh, 0;
  print STDERR $failed;
  exit($? || $failed ? 1 : 0);
}

sub take {
  my ($client, $address) = @_;
  my $listening = IO::Socket::INET->new(Listen => 1, LocalAddr => $address) or die "listening on $address: $!\n";
  open my $random, '<', '/dev/urandom' or die "no random numbers: $!\n";
  sysread($random, my $raw, 16) == 16 or die "no random numbers\n";
  my $token = unpack 'H*', $raw;
  open my $told_to, '>&=', 4 or die "file 4: $!\n";
  syswrite($told_to, "at $address " . $listening->sockport . " $token\n");
  my $until = now() + PATIENCE_S;
  while ((my $left = $until - now()) > 0) {
    my @ready = readable($left, $listening, \*STDIN) or last;
    die "the sender broke off\n" if !grep { $_ == $listening } @ready;
    my $socket = $listening->accept or next;
    next if $socket->peerhost ne $client || !readable(5, $socket);
    sysread($socket, my $shown, length $token);
    next if ($shown // '') ne $token;
    close $listening;
    # A sender that stands still or is cut off says nothing at all.
    setsockopt($socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    setsockopt($socket, IPPROTO_TCP, $$_[0], $$_[1]) for [TCP_KEEPIDLE, 5], [TCP_KEEPINTVL, 5], [TCP_KEEPCNT, 3];
    widen(\*STDOUT);
    carry($socket, \*STDOUT, \*STDIN);
    exit 0;
  }
  die "no sender came\n";
}
`
