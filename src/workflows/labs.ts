import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { LabsDocument } from '../model/documents.ts'
import { labsOfHost } from '../providers/docker/labs.ts'

/** Every lab on this host. Throws `NO_ENGINE` where no engine answers that could have one. */
export async function labsDocument(): Promise<LabsDocument> {
  const labs = await labsOfHost()
  return {
    labs: labs.map(({ id, name, directory, nodes, edge }) => ({
      id,
      name,
      directory,
      exists: existsSync(join(directory, 'lab.yml')),
      nodes,
      edge: edge === undefined ? undefined : `http://${edge.host}:${String(edge.port)}`,
    })),
  }
}
