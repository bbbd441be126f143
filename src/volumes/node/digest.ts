/**
 * Shell function `tree_digest DIRECTORY`: a digest over everything a tree is, the same wherever it is the same. What
 * is hashed is an archive: sorted by name, without what differs between copies (inode numbers, times of access and
 * change), holes read as zeros, the later names of a file as links to its first. An archive has no sockets; they follow.
 */
export const DIGEST = String.raw`tree_digest() {
  (
    cd "$1" || exit 1
    with=(--acls --xattrs --xattrs-include='*')
    # A filesystem without attributes would have tar say so once a file.
    ! tar --create --no-recursion "\${with[@]}" . 2>&1 >/dev/null | grep -q 'not supported' || with=()
    {
      tar --create --format=posix --sort=name --numeric-owner "\${with[@]}" \
        --pax-option='exthdr.name=%d/%f,delete=atime,delete=ctime' --warning=no-file-ignored . &&
        find . -type s -printf '%p %m %U:%G %n %T@\0' | sort -z
    } | sha256sum | cut -d ' ' -f 1
  )
}`

/**
 * Shell function `tree_listing DIRECTORY`: what there is at each path. Three fields a path (what it is; the path; the target
 * of a link), the field `end`, then the SHA-256 of each file. Fields end in a zero byte, as names may hold any other. Reads
 * everything.
 */
export const LISTING = String.raw`tree_listing() {
  (
    cd "$1" || exit 1
    find . -printf '%y %m %U:%G %T@\0%p\0%l\0' && printf 'end\0' && find . -type f -print0 | xargs -0 -r sha256sum -z
  )
}`
