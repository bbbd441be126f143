import type { ImageSource } from './image-source.ts'

/** What `docker stack deploy` takes (Compose schema 3.12, the parts lab writes). */
export interface StackFile {
  readonly version: string
  readonly services: Readonly<Record<string, StackService>>
  readonly networks: Readonly<Record<string, unknown>>
  readonly volumes?: Readonly<Record<string, unknown>>
  readonly configs?: Readonly<Record<string, unknown>>
  readonly secrets?: Readonly<Record<string, unknown>>
}

export interface StackService {
  readonly [key: string]: unknown
  readonly image: string
  readonly deploy: StackDeploy
}

export interface StackDeploy {
  readonly [key: string]: unknown
  readonly mode: string
  readonly replicas?: number
  readonly endpoint_mode?: string
  readonly labels: Readonly<Record<string, string>>
}

/** What lab knows of an app beyond its Compose file, once images, volumes and files are there. */
export interface StackInputs {
  readonly app: string
  /** Image of each service, pinned by digest. */
  readonly images: ReadonlyMap<string, PinnedImage>
  /** Lab volume of each key of the file's `volumes:`. */
  readonly volumes: ReadonlyMap<string, { readonly name: string; readonly lockPort: number }>
  /** Names in the swarm of the file's configs and secrets, by key. */
  readonly configs: ReadonlyMap<string, string>
  readonly secrets: ReadonlyMap<string, string>
  /** What `lab scale` set, by service. */
  readonly scaled: ReadonlyMap<string, ScaledReplicas>
  /** Digest of everything that is deployed, for the label that says so. */
  readonly deployed: string
  /** MTU of overlay networks. */
  readonly overlayMtu: number
}

/** An image by digest, and what it says of itself. */
export interface PinnedImage {
  readonly reference: string
  /** It has a health check of its own that names no interval. */
  readonly checksWithoutInterval: boolean
  readonly source: ImageSource
}

/** Replicas as `lab scale` set them, and what the file said then. */
export interface ScaledReplicas {
  readonly replicas: number
  readonly fileReplicas: number
}
