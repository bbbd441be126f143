import { SCHEDULES } from '../model/volume-policy.ts'

/** How lab treats a key of a Compose file. */
export type Treatment =
  /** Goes to Swarm, as it is or turned into what Swarm calls it. */
  | { readonly kind: 'honoured' }
  /** Makes no difference to what runs; said once, never silent. */
  | { readonly kind: 'remarked'; readonly why: string }
  /** Cannot be honoured on a cluster. */
  | { readonly kind: 'refused'; readonly why: string }

const honoured = (...keys: readonly string[]): Readonly<Record<string, Treatment>> =>
  Object.fromEntries(keys.map((key) => [key, { kind: 'honoured' }]))
const remarked = (why: string): Treatment => ({ kind: 'remarked', why })
const refused = (why: string): Treatment => ({ kind: 'refused', why })

const LIMITS = 'use deploy.resources.limits (cpus, memory, pids)'
const NO_DEVICES = 'a Swarm service gets no devices of its node'
const OWN_NAMESPACES = 'a Swarm service has namespaces of its own'

/** Keys of a service. */
export const SERVICE_KEYS: Readonly<Record<string, Treatment>> = {
  ...honoured(
    'build',
    'cap_add',
    'cap_drop',
    'command',
    'configs',
    'cpus',
    'depends_on',
    'deploy',
    'dns',
    'dns_search',
  ),
  ...honoured('entrypoint', 'env_file', 'environment', 'expose', 'extends', 'extra_hosts', 'healthcheck', 'hostname'),
  ...honoured(
    'image',
    'init',
    'labels',
    'logging',
    'mem_limit',
    'mem_reservation',
    'networks',
    'pids_limit',
    'platform',
  ),
  ...honoured('ports', 'profiles', 'pull_policy', 'read_only', 'restart', 'scale', 'secrets', 'shm_size', 'stdin_open'),
  ...honoured(
    'stop_grace_period',
    'stop_signal',
    'sysctls',
    'tmpfs',
    'tty',
    'ulimits',
    'user',
    'volumes',
    'working_dir',
  ),
  // Only `docker compose up` in the foreground and `docker compose watch` read these.
  ...honoured('attach', 'develop'),
  annotations: refused('Swarm has no annotations; use labels'),
  blkio_config: refused('Swarm cannot limit block devices'),
  cgroup: refused(OWN_NAMESPACES),
  cgroup_parent: refused('Swarm chooses the control group'),
  cgroupns_mode: refused(OWN_NAMESPACES),
  container_name: refused('a service may run in several containers; other services reach it by its own name'),
  cpu_count: refused(LIMITS),
  cpu_percent: refused(LIMITS),
  cpu_period: refused(LIMITS),
  cpu_quota: refused(LIMITS),
  cpu_rt_period: refused(LIMITS),
  cpu_rt_runtime: refused(LIMITS),
  cpu_shares: refused(LIMITS),
  cpuset: refused('which CPUs a task gets depends on its node; use deploy.resources.limits.cpus'),
  credential_spec: refused('nodes run Linux'),
  device_cgroup_rules: refused(NO_DEVICES),
  devices: refused(NO_DEVICES),
  dns_opt: refused('Swarm passes on dns and dns_search only'),
  domainname: refused('use hostname'),
  driver_opts: refused('Swarm has no driver options of a service'),
  external_links: refused('services reach one another by name'),
  gpus: refused(NO_DEVICES),
  group_add: refused('docker stack deploy knows no extra groups; use user, or a group of the image'),
  ipc: refused(OWN_NAMESPACES),
  isolation: refused('nodes run Linux'),
  label_file: refused('write the labels under labels:'),
  links: refused('services reach one another by name; for another name use networks.default.aliases'),
  mac_address: refused('Swarm chooses the address'),
  mem_swappiness: refused(LIMITS),
  memswap_limit: refused(LIMITS),
  models: refused('there are none on a cluster of containers'),
  network_mode: refused(
    "every task has its own network on the lab's overlay; to take a port of the node use ports with mode: host",
  ),
  oom_kill_disable: refused(LIMITS),
  oom_score_adj: refused('Swarm has no such setting'),
  pid: refused(OWN_NAMESPACES),
  post_start: refused('put it into the command'),
  pre_stop: refused('handle the stop signal in the command'),
  privileged: refused('Swarm runs no privileged services; cap_add may do'),
  provider: refused('services of a lab are containers'),
  runtime: refused("Swarm uses the node's own runtime"),
  security_opt: refused('Swarm has no such setting; the defaults of the engine apply'),
  storage_opt: refused('Swarm has no such setting'),
  use_api_socket: refused("an app does not get its node's engine"),
  userns_mode: refused(OWN_NAMESPACES),
  uts: refused(OWN_NAMESPACES),
  volumes_from: refused('name the volume under volumes: of both services'),
}

/** Keys of `build:`. */
export const BUILD_KEYS: Readonly<Record<string, Treatment>> = {
  ...honoured('additional_contexts', 'args', 'context', 'dockerfile', 'dockerfile_inline', 'extra_hosts', 'labels'),
  ...honoured('network', 'no_cache', 'platforms', 'pull', 'secrets', 'shm_size', 'target', 'ulimits'),
  cache_from: remarked('is not used: the build node keeps its own cache'),
  cache_to: remarked('is not used: the build node keeps its own cache'),
  tags: remarked("are not made: the image is pushed to the lab's registry under its own name"),
  entitlements: refused('builds run without privileges'),
  isolation: refused('nodes run Linux'),
  privileged: refused('builds run without privileges'),
  provenance: remarked('is not made: images are pinned by their digest'),
  sbom: remarked('is not made'),
  ssh: refused('your SSH keys do not leave this machine; use build secrets'),
}

/** Keys of `deploy:`. */
export const DEPLOY_KEYS: Readonly<Record<string, Treatment>> = honoured(
  'endpoint_mode',
  'labels',
  'mode',
  'placement',
  'replicas',
  'resources',
  'restart_policy',
  'rollback_config',
  'update_config',
)

/** Keys of `healthcheck:`. */
export const HEALTHCHECK_KEYS: Readonly<Record<string, Treatment>> = honoured(
  'disable',
  'interval',
  'retries',
  'start_interval',
  'start_period',
  'test',
  'timeout',
)

/** Keys of `deploy.resources.limits` and `.reservations`. */
export const LIMIT_KEYS: Readonly<Record<string, Treatment>> = {
  ...honoured('cpus', 'memory', 'pids'),
  devices: refused(NO_DEVICES),
}
export const RESERVATION_KEYS: Readonly<Record<string, Treatment>> = {
  ...honoured('cpus', 'memory', 'generic_resources'),
  devices: refused(NO_DEVICES),
  pids: refused('only limits can have it'),
}

/** Keys of one of a service's networks. */
export const ATTACHMENT_KEYS: Readonly<Record<string, Treatment>> = {
  ...honoured('aliases'),
  driver_opts: refused('Swarm has no driver options of an attachment'),
  gw_priority: refused('Swarm chooses the default gateway'),
  interface_name: refused('Swarm chooses the name'),
  ipv4_address: refused('Swarm gives every task an address of its own; use the name'),
  ipv6_address: refused('Swarm gives every task an address of its own; use the name'),
  link_local_ips: refused('Swarm gives every task an address of its own'),
  mac_address: refused('Swarm chooses the address'),
  priority: refused('Swarm chooses the order'),
}

/** Keys of an entry of top-level `networks:`. */
export const NETWORK_KEYS: Readonly<Record<string, Treatment>> = {
  ...honoured('attachable', 'driver', 'driver_opts', 'external', 'internal', 'ipam', 'labels', 'name'),
  enable_ipv4: refused("the lab's networks are IPv4"),
  enable_ipv6: refused("the lab's networks are IPv4"),
}

/** Keys of an entry of top-level `volumes:`. */
export const VOLUME_KEYS: Readonly<Record<string, Treatment>> = {
  ...honoured('driver', 'labels'),
  driver_opts: refused('lab makes the volume, so that it can move between nodes'),
  ...honoured('external'),
  name: refused("a volume's name is made of the app's and its key; remove the line, or add external: true"),
}

/** Keys of an entry of top-level `volumes:` that says external: true. */
export const EXTERNAL_VOLUME_KEYS: Readonly<Record<string, Treatment>> = honoured('external', 'name')

/** Keys of `x-lab:` of an entry of top-level `volumes:`. */
export const VOLUME_EXTENSION_KEYS: Readonly<Record<string, Treatment>> = honoured(
  'limit',
  'replicate',
  'keep',
  'hooks',
)
export const REPLICATE_KEYS: Readonly<Record<string, Treatment>> = honoured('to', 'every')
export const KEEP_KEYS: Readonly<Record<string, Treatment>> = honoured(...SCHEDULES)
export const HOOK_KEYS: Readonly<Record<string, Treatment>> = honoured('pre', 'post')

/** Keys of an entry of top-level `configs:` and `secrets:`. */
export const CONFIG_KEYS: Readonly<Record<string, Treatment>> = honoured(
  'content',
  'environment',
  'external',
  'file',
  'labels',
  'name',
  'template_driver',
)
export const SECRET_KEYS: Readonly<Record<string, Treatment>> = {
  ...honoured('environment', 'external', 'file', 'labels', 'name', 'template_driver'),
  driver: refused('lab keeps secrets in the swarm; use file or environment'),
  driver_opts: refused('lab keeps secrets in the swarm; use file or environment'),
}

/** Keys at the top of the file. */
export const TOP_KEYS: Readonly<Record<string, Treatment>> = {
  ...honoured('configs', 'include', 'name', 'networks', 'secrets', 'services', 'version', 'volumes'),
  models: refused('there are none on a cluster of containers'),
}
