import { SWARM_PORT } from '../model/names.ts'
import { FactUnavailable, type FactQuery } from '../model/step.ts'
import { quoteAll } from '../shell/quote.ts'
import { swarmNodes, type ListedNode } from './swarm-nodes.ts'

/**
 * What the managers say of a node: it is a `member`; they `removed` it; they are of `another` swarm than the node
 * (founded anew, say); none of them answers; or the node has `no certificate` to ask about.
 */
export type SwarmAcceptance = 'member' | 'removed' | 'another' | 'no answer' | 'no certificate'

const CERTIFICATES = '/var/lib/docker/swarm/certificates'
const NO_CERTIFICATE = 75

// The node's id is the common name of its certificate's subject: object id 2.5.4.3, then a string of 25 characters. Found
// by its bytes, because to start openssl takes longer than the whole question.
const COMMON_NAME = String.raw`\x55\x04\x03[\x0c\x13]\x19\K[0-9a-z]{25}`

// A removed node goes on believing that it is a member: only a manager can tell. This is the question a joining node
// asks (the status of a certificate by node id, open to all), sent as the one gRPC frame it takes: a protobuf message
// whose first field is the 25 characters of the id. TLS says whether the manager is of the swarm whose root is here.
const ASK = (addresses: readonly string[]) => `cd ${CERTIFICATES} 2>/dev/null || exit ${String(NO_CERTIFICATE)}
id=$(sed -n '/^-----END/q; /^-/!p' swarm-node.crt 2>/dev/null | base64 -d | LC_ALL=C grep -aoP '${COMMON_NAME}')
[ \${#id} = 25 ] || exit ${String(NO_CERTIFICATE)}
for address in ${quoteAll(addresses)}; do
  printf '\\0\\0\\0\\0\\033\\012\\031%s' "$id" |
    curl -sS --http2 --connect-timeout 1 --max-time 3 --cacert swarm-root-ca.crt -o /dev/null -D - \\
      --resolve "swarm-ca:${String(SWARM_PORT)}:$address" -H 'content-type: application/grpc' -H 'te: trailers' \\
      --data-binary @- https://swarm-ca:${String(SWARM_PORT)}/docker.swarmkit.v1.NodeCA/NodeCertificateStatus 2>/dev/null
  status=$?
  echo "curl $status"
  case $status in 0 | 60) break ;; esac
done
exit 0`

/**
 * Asks managers until one answers, about the node that has `address`. One that the first manager lists as ready keeps a
 * session with it and need not ask: of a large swarm that is nearly all.
 */
export function swarmAcceptance(
  managers: readonly { readonly name: string; readonly address: string }[],
  address: string,
): FactQuery<SwarmAcceptance> {
  const addresses = managers.map((manager) => manager.address)
  const [first] = managers
  const listed = (nodes: readonly ListedNode[]) =>
    nodes.some((node) => node.address === address && node.state === 'ready') ? ('member' as const) : undefined
  return {
    key: `swarm-acceptance ${addresses.join(' ')}`,
    script: ASK(addresses),
    ...(first === undefined
      ? {}
      : {
          elsewhere: {
            node: first.name,
            query: swarmNodes,
            value: (nodes) => listed(nodes as readonly ListedNode[]),
          },
        }),
    parse: ({ status, stdout, stderr }) => {
      if (status === NO_CERTIFICATE) return 'no certificate'
      if (status !== 0) throw new FactUnavailable(`the managers could not be asked: ${stderr.trim()}`)
      const outcome = /^curl (\d+)\n?$/m.exec(stdout.slice(stdout.lastIndexOf('curl ')))?.[1]
      if (outcome === '60') return 'another'
      if (outcome !== '0') return 'no answer'
      const answer = /^grpc-status: *(\d+)/m.exec(stdout)?.[1]
      return answer === '0' ? 'member' : answer === '5' ? 'removed' : 'no answer'
    },
  }
}
