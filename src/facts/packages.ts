import { FactUnavailable, type FactQuery } from '../model/step.ts'

/** Version of each Debian package that is installed and configured. One question a host, however many steps ask. */
export const installedPackages: FactQuery<ReadonlyMap<string, string>> = {
  key: 'packages',
  script: "dpkg-query -W -f '${db:Status-Abbrev}${Package} ${Version}\\n'",
  parse(output) {
    if (output.status !== 0) throw new FactUnavailable(`cannot list packages: ${output.stderr.trim()}`)
    const installed = new Map<string, string>()
    for (const line of output.stdout.split('\n')) {
      // "ii " and "hi ": wanted (or held) and installed; a third letter would be an error.
      const match = /^[a-z]i (\S+) (\S+)$/.exec(line)
      if (match?.[1] !== undefined && match[2] !== undefined) installed.set(match[1], match[2])
    }
    return installed
  },
}
