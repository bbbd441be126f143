import { expect, test } from 'vitest'
import { checkConfig, type CheckContext } from '../../src/apps/check-config.ts'
import type { ComposeConfig, ComposeService } from '../../src/apps/compose-config.ts'
import { checkContext } from './compose.ts'

function messages(config: Omit<ComposeConfig, 'name'>, change: Partial<CheckContext> = {}): readonly string[] {
  return checkConfig({ name: 'shop', ...config }, checkContext(change)).problems.map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  )
}

const web = (service: ComposeService): Omit<ComposeConfig, 'name'> => ({
  services: { web: { image: 'nginx', ...service } },
})
const port = (published: string | undefined, more = {}) => ({
  ports: [{ mode: 'ingress', target: 80, protocol: 'tcp', ...(published === undefined ? {} : { published }), ...more }],
})

test('an ordinary service is fine', () => {
  expect(messages(web(port('80')))).toEqual([])
})

test.each<[string, ComposeService, RegExp]>([
  ['a port outside the edge', port('9999'), /9999 is not one of the edge's \(80, 8000-8099\): add it to edge.ports/],
  ["the edge's own port", port('7788'), /port 7788 of the edge is its own/],
  ['no port of the edge', port(undefined), /name the port of the edge, as in "80:80"/],
  ['a range', port('8000-8010'), /cannot choose from the range/],
  ['UDP', port('80', { protocol: 'udp' }), /carries TCP only/],
  ['one address', port('80', { host_ip: '10.0.0.1' }), /does not listen on 10.0.0.1/],
])('a published port with %s is refused, saying what to do', (_, service, text) => {
  expect(messages(web(service)).join('\n')).toMatch(text)
})

test('loopback as the address of a port is what the edge does anyway', () => {
  expect(messages(web(port('80', { host_ip: '127.0.0.1' })))).toEqual([])
})

test('a port of the node itself may be any', () => {
  expect(messages(web({ ports: [{ mode: 'host', target: 53, published: '5353', protocol: 'udp' }] }))).toEqual([])
})

test('a port or name that another app has is refused, naming both', () => {
  const others = [{ app: 'blog', service: 'front', routes: [{ port: 80, target: 80, protocol: 'http' as const }] }]
  expect(messages(web(port('80')), { others })).toEqual([
    'services.web.ports: port 80 of the edge belongs to service front of app blog',
  ])
  expect(messages({ services: { front: { image: 'x' } } }, { others })[0]).toMatch(
    /front belongs to app blog.*app shop/,
  )
})

test('two services of one app cannot have one port', () => {
  const both = { services: { a: { image: 'x', ...port('80') }, b: { image: 'x', ...port('80') } } }
  expect(messages(both)).toEqual(['services.b.ports: port 80 of the edge is asked for by b, and service a does so too'])
})

test.each([
  ['edge', /the lab's own name/],
  ['node1', /the lab's own name/],
  ['my_app', /as in my-app/],
])('a service cannot be called %s', (name, text) => {
  expect(messages({ services: { [name]: { image: 'x' } } })[0]).toMatch(text)
})

test("the user's own directories are not on the nodes", () => {
  const mount = { type: 'bind', source: '/var/lib/lab/apps/shop/src/conf', target: '/etc/conf' }
  const written = { services: { web: { volumes: ['./conf:/etc/conf'] } } }
  expect(messages(web({ volumes: [mount] }), { written })[0]).toMatch(/^services.web.volumes.0: .*have no \.\/conf/)
})

test.each([
  ['/var/run/docker.sock', /does not get its node's engine/],
  ['/var/lib/lab/pool', /not for apps/],
  ['/', /not for apps/],
])('%s of a node is not mounted', (source, text) => {
  expect(messages(web({ volumes: [{ type: 'bind', source, target: '/x' }] }))[0]).toMatch(text)
})

test('a volume has one service and one task', () => {
  const data = [{ type: 'volume', source: 'data', target: '/data' }]
  const volumes = { data: {} }
  expect(messages({ ...web({ volumes: data, deploy: { replicas: 2 } }), volumes })[0]).toMatch(
    /2 replicas and volume data/,
  )
  expect(messages({ ...web({ volumes: data, deploy: { mode: 'global' } }), volumes })[0]).toMatch(/mode global/)
  const both = { services: { a: { image: 'x', volumes: data }, b: { image: 'x', volumes: data } }, volumes }
  expect(messages(both)[0]).toMatch(/used by service a already/)
})

test('a service with two volumes is refused: each would move by itself', () => {
  const volumes = ['a', 'b'].map((source) => ({ type: 'volume', source, target: `/${source}` }))
  expect(messages({ ...web({ volumes }), volumes: { a: {}, b: {} } })[0]).toMatch(/has 2 volumes \(a, b\)/)
})

test('keys that would be the same volume are refused', () => {
  expect(messages({ ...web({}), volumes: { my_data: {}, 'my-data': {} } })[0]).toMatch(/both be volume shop-my-data/)
})

test('apps cannot ask for managers, nor for a worker there is none of', () => {
  const constrained = (text: string) => messages(web({ deploy: { placement: { constraints: [text] } } }))
  expect(constrained('node.role == manager')[0]).toMatch(/workers only/)
  expect(constrained('node.hostname == nod2')[0]).toMatch(/did you mean "node/)
  expect(constrained('node.hostname == node2')).toEqual([])
  expect(constrained('node.labels.rack == a')).toEqual([])
})

test('a service on private networks only cannot be published', () => {
  const service = { ...port('80'), networks: { back: null } }
  expect(messages({ ...web(service), networks: { back: { ipam: {} } } })[0]).toMatch(/add default to its networks/)
})

test('networks that end at their node are refused', () => {
  expect(messages({ ...web({}), networks: { back: { driver: 'bridge' } } })[0]).toMatch(/leave the driver out/)
})

test('labels of lab are lab alone to set, but for the protocol', () => {
  expect(messages(web({ labels: { 'lab.app': 'x' } }))[0]).toMatch(/lab's own/)
  expect(messages(web({ labels: { 'lab.edge.protocol': 'tcp' } }))).toEqual([])
  expect(messages(web({ labels: { 'lab.edge.protocol': 'udp' } }))[0]).toMatch(/http or tcp, not "udp"/)
})

test('another platform than the nodes have is refused', () => {
  expect(messages(web({ platform: 'linux/arm64' }))[0]).toMatch(/nodes are linux\/amd64/)
  expect(messages(web({ platform: 'linux/amd64' }))).toEqual([])
})

test('the order of depends_on is remarked on, as a cluster knows none', () => {
  const config = { name: 'shop', services: { web: { image: 'x', depends_on: { db: {} } } } }
  expect(checkConfig(config, checkContext()).remarks.map(({ path }) => path.join('.'))).toEqual([
    'services.web.depends_on',
  ])
})
