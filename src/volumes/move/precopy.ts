import { LabError } from '../../model/errors.ts'
import type { LocalSnapshot } from '../../model/volume.ts'
import { bytesText } from '../../model/bytes-text.ts'
import { paced } from '../pace.ts'
import type { MoveContext, MoveFigures } from './context.ts'
import { observeVolume, prepareTarget, sendSnapshot, verifyCopy, type Ends } from './copy-round.ts'
import { roundSnapshot } from './next-action.ts'
import { pauseOptions, predict, type Prediction, type Round } from './predict.ts'

/** What a pause may take, and what is known of it. */
export type PauseLimit = Pick<MoveContext, 'maxPauseMs' | 'restartMs'>

/**
 * Copies while the service runs and writes: first all (or what the target lacks), then what was written meanwhile. Throws
 * `PAUSE_TOO_LONG` when the service alone takes longer than `maxPauseMs`, or the rest does not get small enough for it,
 * however often it is copied.
 */
export async function precopy(
  ends: Ends,
  figures: MoveFigures,
  progress: (line: string) => void,
  signal: AbortSignal,
  { maxPauseMs, restartMs }: PauseLimit = {},
): Promise<void> {
  if (maxPauseMs !== undefined && restartMs !== undefined && restartMs > maxPauseMs) {
    throw restartsTooLong(ends, maxPauseMs, restartMs)
  }
  const adopted = await finishLeftTransfer(ends, figures, progress, signal)
  let base = await prepareTarget(ends)
  const options = pauseOptions(maxPauseMs, restartMs)
  const rounds: Round[] = []
  let expected = base === undefined ? await ends.source.driver.usedBytes(ends.volume) : undefined
  let taken: number | undefined = adopted
  for (;;) {
    signal.throwIfAborted()
    const before = taken
    const snapshot = await takeRoundSnapshot(ends)
    taken = performance.now()
    const copied = await sendSnapshot(ends, snapshot, base, {
      onProgress: paced(expected, (line) => {
        progress(`round ${String(rounds.length + 1)}: ${line}`)
      }),
      signal,
    })
    await verifyCopy(ends, snapshot)
    base = snapshot
    rounds.push({ ...copied, gatheredMs: before === undefined ? undefined : taken - before })
    figures.rounds++
    figures.bytesSent += copied.bytes
    const prediction = predict(rounds, options)
    const { nextMs, nextBytes } = prediction
    expected = nextBytes
    progress(
      `round ${String(rounds.length)}: ${bytesText(copied.bytes)} in ${(copied.durationMs / 1000).toFixed(1)} s, left about ${bytesText(nextBytes)} (${(nextMs / 1000).toFixed(1)} s)`,
    )
    if (!prediction.stop) continue
    if (maxPauseMs !== undefined && prediction.reason !== 'goal') throw pauseTooLong(ends, maxPauseMs, prediction)
    return
  }
}

function restartsTooLong({ volume }: Ends, maxPauseMs: number, restartMs: number): LabError {
  const last = `its service was away for ${(restartMs / 1000).toFixed(1)} s when ${volume} moved last`
  return new LabError('PAUSE_TOO_LONG', `a pause of ${String(maxPauseMs / 1000)} s cannot be kept: ${last}`, {
    where: `volume ${volume}`,
    hint: 'allow a longer pause; where the service stops and starts faster by now, move it once without --max-pause',
  })
}

function pauseTooLong({ volume, source }: Ends, maxPauseMs: number, { nextBytes, nextMs }: Prediction): LabError {
  const rest = `${bytesText(nextBytes)} are left to copy each time, which takes ${(nextMs / 1000).toFixed(1)} s`
  return new LabError('PAUSE_TOO_LONG', `a pause of ${String(maxPauseMs / 1000)} s cannot be kept: ${rest}`, {
    where: `volume ${volume}`,
    hint: `move it when less is written on ${source.node}, or allow a longer pause`,
  })
}

/**
 * One more increment, for the time in which the engine has already been told to stop the service but still lets it
 * run: it makes the last one smaller. It is worth nothing if it fails, so that is no error.
 */
export async function copyWhileStopping(ends: Ends, figures: MoveFigures): Promise<void> {
  const base = await prepareTarget(ends)
  if (base === undefined) return
  const snapshot = await takeRoundSnapshot(ends)
  const copied = await sendSnapshot(ends, snapshot, base, { onProgress: () => undefined })
  await verifyCopy(ends, snapshot)
  figures.rounds++
  figures.bytesSent += copied.bytes
}

/** A transfer that a killed lab left running is worth waiting for. Returns when it was found, if it ended well. */
async function finishLeftTransfer(
  { volume, move, source, target }: Ends,
  figures: MoveFigures,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<number | undefined> {
  const job = await source.transferJob(volume)
  if (job?.active !== true) return undefined
  const ours = job.snapshot.startsWith(`move-${String(move.id)}-`) && job.target === target.node
  if (!ours) {
    await source.stopTransfer(volume)
    return undefined
  }
  const found = performance.now()
  progress('going on with the transfer that was under way')
  try {
    figures.bytesSent += await source.followTransfer(volume, {
      onProgress: (bytes) => {
        progress(`round 1: ${bytesText(bytes)}`)
      },
      signal,
    })
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== 'TRANSFER_FAILED') throw error
    progress('the transfer that was under way broke off; starting anew')
    return undefined
  }
  figures.rounds++
  return found
}

async function takeRoundSnapshot({ volume, move, source }: Ends): Promise<LocalSnapshot> {
  const { snapshots } = await observeVolume(source, volume)
  let round = 0
  while (snapshots.some(({ name }) => name === roundSnapshot(move.id, round))) round++
  return source.driver.snapshot(volume, roundSnapshot(move.id, round))
}
