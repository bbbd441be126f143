import { LABELS, NODE_PATHS } from '../model/names.ts'
import { volumeKeys, type ComposeConfig } from './compose-config.ts'
import type { StackFile, StackInputs } from './stack-file.ts'
import { stackNetworks } from './transform-networks.ts'
import { transformService } from './transform-service.ts'

/**
 * Pure: a checked Compose file as a Swarm stack. What `docker compose config` prints is not what `docker stack deploy`
 * takes, and a lab adds images pinned by digest, the overlay with its names, volumes, logging and labels.
 */
export function toStack(config: ComposeConfig, inputs: StackInputs): StackFile {
  const services = Object.entries(config.services)
  const usedVolumes = new Set(services.flatMap(([, service]) => volumeKeys(service)))
  const volumes = [...usedVolumes].sort().map((key) => [key, stackVolume(key, config, inputs)] as const)
  return {
    version: '3.12',
    services: Object.fromEntries(
      services.map(([name, service]) => [name, transformService(name, service, config, inputs)]),
    ),
    networks: stackNetworks(config, inputs),
    ...section('volumes', volumes),
    ...section('configs', externals(inputs.configs)),
    ...section('secrets', externals(inputs.secrets)),
  }
}

/** A local volume on a directory that exists on the volume's owner only: elsewhere the engine refuses the task. */
function stackVolume(key: string, config: ComposeConfig, { app, volumes }: StackInputs): unknown {
  const volume = volumes.get(key)
  if (volume === undefined) throw new RangeError(`volume ${key} was not made`)
  return {
    name: volume.name,
    driver: 'local',
    driver_opts: { type: 'none', o: 'bind', device: `${NODE_PATHS.served}/${volume.name}` },
    labels: { ...config.volumes?.[key]?.labels, [LABELS.app]: app },
  }
}

function externals(names: ReadonlyMap<string, string>): readonly (readonly [string, unknown])[] {
  return [...names].map(([key, name]) => [key, { external: true, name }] as const)
}

function section(name: string, entries: readonly (readonly [string, unknown])[]): Readonly<Record<string, unknown>> {
  return entries.length === 0 ? {} : { [name]: Object.fromEntries(entries) }
}
