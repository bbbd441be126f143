/**
 * Shell function `tree_digest DIRECTORY`: a digest over everything a tree is, the same wherever it is the same. What
 * is hashed is an archive: sorted by name, without what differs between copies (inode numbers, times of access and
 * change), holes read as zeros, the later names of a file as links to its first. An archive has no sockets; they follow.
 */
export const DIGEST = String.raw`tree_digest() {
  (
    cd "$1" || exit 1
    {
      tar --create --format=posix --sort=name --numeric-owner --acls --xattrs --xattrs-include='*' \
        --pax-option='exthdr.name=%d/%f,delete=atime,delete=ctime' --warning=no-file-ignored . &&
        find . -type s -printf '%p %m %U:%G %n %T@\0' | sort -z
    } | sha256sum | cut -d ' ' -f 1
  )
}`
