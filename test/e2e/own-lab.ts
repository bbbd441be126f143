import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { isRunning } from '../../src/secrets/drafts.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** A temporary directory with the project's own lab.yml, under another name: a lab of its own, not up yet. */
export async function makeLab(name: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `lab-${name}-of-${String(process.pid)}-`))
  const text = await readFile(join(ROOT, 'lab.yml'), 'utf8')
  await writeFile(join(directory, 'lab.yml'), text.replace(/^name:.*$/m, `name: ${name}`))
  await copyFile(join(ROOT, 'lab.schema.json'), join(directory, 'lab.schema.json'))
  return directory
}

/** Destroys the lab of a directory, and the directory. */
export async function destroyLab(directory: string): Promise<void> {
  await execa(join(ROOT, 'lab'), ['destroy', '--yes'], { cwd: directory, stdio: ['ignore', 'inherit', 'inherit'] })
  await rm(directory, { recursive: true })
}

/** Destroys labs whose makers ended before they could: of tests that were broken off or killed. */
export async function destroyOrphans(): Promise<void> {
  for (const entry of await readdir(tmpdir())) {
    const maker = /^lab-.+-of-(\d+)-\w{6}$/.exec(entry)?.[1]
    if (maker === undefined || isRunning(Number(maker))) continue
    console.error(`a test that was broken off left ${entry}: destroying it`)
    await destroyLab(join(tmpdir(), entry))
  }
}
