import { execa } from 'execa'
import { aptInstall, findProgram, hasApt, rootPrefix } from '../src/providers/docker/host-root.ts'

/** Why machines of Vagrant cannot be tried on this host; undefined when they can. Installs Vagrant where it may. */
export async function vagrantMissing(): Promise<string | undefined> {
  if ((await findProgram('vagrant')) !== undefined) return undefined
  const root = await rootPrefix()
  if (root === undefined || !(await hasApt())) return 'there is no Vagrant, and this user may not install it'
  const progress = (line: string) => process.stderr.write(`${line}\n`)
  const { exitCode } = await execa('apt-cache', ['show', '--quiet', 'vagrant'], { reject: false, stdout: 'ignore' })
  // The list may never have been fetched: the name is looked for again after that.
  await aptInstall(root, exitCode === 0 ? ['vagrant'] : [], progress, new AbortController().signal, ['vagrant'])
  return (await findProgram('vagrant')) === undefined
    ? 'there is no Vagrant among the packages of this host'
    : undefined
}
