import { CommanderError } from 'commander'
import { explain, printFailure } from './failure.ts'
import type { Io } from './io.ts'
import { createProgram, printHelp, usageError, type Cli, type Register } from './program.ts'
import type { Session } from './session.ts'
import { register as chaos } from './commands/chaos.ts'
import { register as bundle } from './commands/bundle.ts'
import { register as completion } from './commands/completion.ts'
import { register as cp } from './commands/cp.ts'
import { register as demo } from './commands/demo.ts'
import { register as deploy } from './commands/deploy.ts'
import { register as destroy } from './commands/destroy.ts'
import { register as dns } from './commands/dns.ts'
import { register as doctor } from './commands/doctor.ts'
import { register as exec } from './commands/exec.ts'
import { register as forward } from './commands/forward.ts'
import { register as halt } from './commands/halt.ts'
import { register as init } from './commands/init.ts'
import { register as logs } from './commands/logs.ts'
import { register as ls } from './commands/ls.ts'
import { register as moveVolume } from './commands/move-volume.ts'
import { register as node } from './commands/node/index.ts'
import { register as nodeImage } from './commands/node-image.ts'
import { register as plan } from './commands/plan.ts'
import { register as prune } from './commands/prune.ts'
import { register as restart } from './commands/restart.ts'
import { register as rm } from './commands/rm.ts'
import { register as run } from './commands/run.ts'
import { register as scale } from './commands/scale.ts'
import { register as snapshot } from './commands/snapshot/index.ts'
import { register as ssh } from './commands/ssh.ts'
import { register as sh } from './commands/sh.ts'
import { register as runs } from './commands/runs.ts'
import { register as sshConfig } from './commands/ssh-config.ts'
import { register as status } from './commands/status.ts'
import { register as up } from './commands/up.ts'
import { register as volume } from './commands/volume/index.ts'
import { register as volumes } from './commands/volumes.ts'

/** Every command by its name, as `lab --help` lists them. */
const COMMANDS: Readonly<Record<string, Readonly<Record<string, Register>>>> = {
  'The lab:': { init, demo, up, plan, status, ls, halt, snapshot, bundle, prune, destroy, doctor },
  'Apps:': { deploy, scale, restart, rm, logs, exec, forward },
  'Data and names:': { volumes, volume, 'move-volume': moveVolume, dns },
  'Nodes:': { ssh, sh, cp, node, chaos, 'ssh-config': sshConfig },
  'Playbooks:': { run, runs },
  'The command line:': { completion, '__node-image': nodeImage },
}

/** Runs one command line to its end and returns its exit code. */
export async function runCommandLine(argv: readonly string[], io: Io, session: Session): Promise<number> {
  if (argv[0] === '--version' || argv[0] === '-V') {
    const { findProduct } = await import('../config/product.ts')
    io.out(findProduct().version)
    return 0
  }
  const cli = createProgramWithCommands(io, session, argv[0])
  try {
    if (argv[0] === 'help') {
      // Commander's own knows no command behind another one.
      const words = argv.filter((word) => word !== 'help' && !word.startsWith('-'))
      printHelp(cli.program, words)
      return 0
    }
    await cli.program.parseAsync(argv.length === 0 ? ['--help'] : argv, { from: 'user' })
    return session.exitCode
  } catch (error) {
    const failure = error instanceof CommanderError ? usageError(error, cli.program, argv) : explain(error, undefined)
    return failure === undefined ? 0 : printFailure(failure, io, wantsJson(argv))
  }
}

/**
 * The program with all commands, or with only the one called `typed`, if there is one: to describe the others takes longer
 * than to find out what was typed.
 */
export function createProgramWithCommands(io: Io, session: Session, typed = ''): Cli {
  const cli = createProgram(io, session)
  const own = Object.values(COMMANDS).find((group) => Object.hasOwn(group, typed))?.[typed]
  if (own !== undefined) {
    own(cli)
    return cli
  }
  for (const [heading, group] of Object.entries(COMMANDS)) {
    cli.program.commandsGroup(heading)
    for (const register of Object.values(group)) register(cli)
  }
  cli.program.helpCommand('help [command...]', 'print the help of a command')
  return cli
}

/** Whether a command line asks for JSON, found out before it is parsed: its errors are JSON too. */
export function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return argv.slice(0, end < 0 ? undefined : end).includes('--json')
}
