# Fills a file to its size, then overwrites random stretches of it at a steady rate and makes each durable, as a database
# does. Needs nothing that a slim image lacks.
set -eu
trap 'exit 0' TERM
file=/data/data
present=0
[ ! -e "$file" ] || present=$(($(stat -c %s "$file") / 1048576))
if [ "$present" -lt "$SIZE_MIB" ]; then
  dd if=/dev/urandom of="$file" bs=1M count=$((SIZE_MIB - present)) oflag=append conv=notrunc,fdatasync status=none
fi
touch /tmp/ready

# Four stretches a second, of as many blocks of 4 KiB as the rate asks for.
blocks=$((RATE_MIB * 64))
places=$((SIZE_MIB * 256 - blocks))
next=${EPOCHREALTIME/./}
while :; do
  dd if=/dev/urandom of="$file" bs=4K count=$blocks seek=$(((RANDOM * 32768 + RANDOM) % places)) conv=notrunc,fdatasync status=none
  next=$((next + 250000))
  left=$((next - ${EPOCHREALTIME/./}))
  # A disk that is too slow is not asked to catch up. A wait in the background ends at once when all of this is told to.
  if [ "$left" -gt 0 ]; then sleep "0.$(printf %06d "$left")" & wait $!; else next=${EPOCHREALTIME/./}; fi
done
