import { setMaxListeners } from 'node:events'
import { runCommandLine, wantsJson } from './command-line.ts'
import { explain, printFailure } from './failure.ts'
import { listenForSignals } from './interrupt.ts'
import { processIo } from './io.ts'
import { createSession } from './session.ts'

// The edge of the process: arguments, streams and signals go in, an exit code comes out.

/** Waits until what was written has left, then ends: nothing that is still open may keep a finished command waiting. */
function exit(code: number): void {
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
}

const argv = process.argv.slice(2)
const controller = new AbortController()
// Every node of a lab listens to it, and Node.js would warn of the eleventh.
setMaxListeners(0, controller.signal)
const io = processIo()
listenForSignals(controller)
const crash = (error: unknown) => {
  void printFailure(explain(error, undefined), io, wantsJson(argv)).then(exit)
}
process.on('uncaughtException', crash)
process.on('unhandledRejection', crash)
void runCommandLine(argv, io, createSession(io, controller, argv)).then(exit)
