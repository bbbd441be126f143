import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { hide, SHORTEST_HIDDEN } from '../model/hidden-values.ts'
import { proxyUrl } from '../model/proxy.ts'
import type { HostEnvironment } from '../model/site.ts'

/** Variables that name a file of certificate authorities the host's programs trust. */
const CERTIFICATE_VARIABLES = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'] as const
/** Where Debian and its kin keep the public authorities they ship; those of the host's own are elsewhere. */
const DISTRIBUTION_CERTIFICATES = '/usr/share/ca-certificates'
const PROXY_VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'] as const
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * What nodes and builds must trust and use as the host does: certificate authorities beyond the public ones (a proxy
 * that inspects TLS has one), and proxy settings.
 */
export function readHostEnvironment(env: Readonly<Record<string, string | undefined>>): HostEnvironment {
  const files = new Set(CERTIFICATE_VARIABLES.map((name) => env[name]).filter((file) => file !== undefined))
  const bundle = [...files].map(readIfPresent).join('\n')
  const proxy: Record<string, string> = {}
  for (const name of PROXY_VARIABLES) {
    const value = env[name]
    if (value === undefined || value === '') continue
    proxy[name] = value
    // What stands before the host is nobody's business, in whatever text it turns up.
    const { password = '' } = proxyUrl(value) ?? {}
    for (const secret of new Set([password, decoded(password)])) if (secret.length >= SHORTEST_HIDDEN) hide(secret)
  }
  const publicRoots = bundle.includes('BEGIN CERTIFICATE') ? [...rootCertificates, ...distributionCertificates()] : []
  return { extraCertificates: extraCertificates(bundle, publicRoots), proxy }
}

/** The certificates of a PEM bundle that are not among the public roots, each once; undefined when there are none. */
export function extraCertificates(bundle: string, publicRoots: readonly string[]): string | undefined {
  const known = new Set(publicRoots.map(body))
  const extra = new Map<string, string>()
  for (const [certificate] of bundle.matchAll(PEM)) {
    const key = body(certificate)
    if (!known.has(key)) extra.set(key, certificate)
  }
  return extra.size === 0 ? undefined : `${[...extra.values()].join('\n')}\n`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function body(certificate: string): string {
  return certificate.replaceAll(/-----[^-]+-----|\s/g, '')
}

// Read at once, one after the other: there are more than a hundred small files, and each wait costs more than it.
function distributionCertificates(): readonly string[] {
  return (unlessAbsent(() => readdirSync(DISTRIBUTION_CERTIFICATES, { recursive: true, encoding: 'utf8' })) ?? [])
    .filter((name) => name.endsWith('.crt'))
    .map((name) => readIfPresent(join(DISTRIBUTION_CERTIFICATES, name)))
}

function readIfPresent(file: string): string {
  return unlessAbsent(() => readFileSync(file, 'utf8')) ?? ''
}

function unlessAbsent<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
