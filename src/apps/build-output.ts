/** Lines of a failed build's output that are shown. */
const TAIL = 30
/** Stands above and below what the builder repeats of the step that failed. */
const RULE = /^-{6,}$/
/** Seconds since the step began, before each line that it wrote. */
const ELAPSED = /^\d+\.\d+ /

/** Pure: why a build failed, out of what `docker compose build` printed: what the failed step wrote, then the builder's own words. */
export function whyBuildFailed({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): string {
  const step = failedStep(stdout.trimEnd().split('\n'))
  const words = stderr.trim() === '' && step.length === 0 ? stdout : stderr
  return [...step, ...words.trim().split('\n')].slice(-TAIL).join('\n')
}

/** What stands between the last two rules, without times; nothing where no step failed. */
function failedStep(lines: readonly string[]): readonly string[] {
  const end = lines.findLastIndex((line) => RULE.test(line))
  const begin = lines.slice(0, Math.max(end, 0)).findLastIndex((line) => RULE.test(line))
  if (begin === -1) return []
  return lines.slice(begin + 1, end).map((line) => line.trimStart().replace(/^> /, '').replace(ELAPSED, ''))
}
