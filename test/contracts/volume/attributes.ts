/**
 * Perl that gives a file an extended attribute, for nodes without the tools: `attribute FILE NAME VALUE`; prints `ok`, or
 * why not. `acl FILE` lets user 1234 read it besides its owner.
 */
export const ATTRIBUTES = `attribute() { perl -e '
  my ($file, $name, $value) = @ARGV;
  my $number = qx(uname -m) =~ /^(aarch64|riscv64)/ ? 5 : 188;
  $value = pack "V (vvV)*", 2, 1,6,4294967295, 2,4,1234, 4,4,4294967295, 16,4,4294967295, 32,4,4294967295 if $name =~ /acl/;
  print syscall($number, $file, $name, $value, length $value, 0) == 0 ? "ok\\n" : "$!\\n"' "$@"; }
acl() { attribute "$1" system.posix_acl_access ''; }
`
