import type { Command } from '../model/command.ts'
import { FactUnavailable, type FactOutput } from '../model/step.ts'

/** Where the engine of a node listens, and nowhere else. */
const ENGINE_SOCKET = '/run/docker.sock'

const NOT_RUNNING = 75

const ASK = `-gsS --max-time 20 --unix-socket ${ENGINE_SOCKET}`
// systemd holds the socket and would start a stopped engine for the question, and a fact must not change anything.
const IS_RUNNING = `pid=$(cat /run/docker.pid 2>/dev/null) && kill -0 "$pid" 2>/dev/null || exit ${String(NOT_RUNNING)}`

/** Script that asks the node's engine, where it runs, and prints one JSON document a line. */
export function askEngine(...paths: readonly string[]): string {
  return `${IS_RUNNING}\nexec curl ${ASK} -w '\\n' ${urls(paths)}`
}

/** What `/info` says of the swarm on a worker that is in one. */
const WORKER = { Swarm: { LocalNodeState: 'active', ControlAvailable: false, Error: '' } }

/**
 * As {@link askEngine}; the last document is `/info`, or what it says of the swarm where the node is a worker in one. For
 * `/info` the engine starts several programs to ask them for their versions; nodes are many, and nearly all of them are
 * workers, which the headers of `/_ping` tell as well (https://docs.docker.com/reference/api/engine/). Those come last: none
 * of the documents has a line that begins as they do.
 */
export function askEngineAndInfo(...paths: readonly string[]): string {
  return `${IS_RUNNING}
answers=$(curl ${ASK} -w '\\n' ${urls(paths)} --next ${ASK} -I http://docker/_ping) || exit
printf '%s\\n' "\${answers%
HTTP/*}"
case $answers in
  *'
HTTP/'*'
Swarm: active/worker'*) echo '${JSON.stringify(WORKER)}' ;;
  *) exec curl ${ASK} -w '\\n' ${urls(['/info'])} ;;
esac`
}

function urls(paths: readonly string[]): string {
  return paths.map((path) => `'http://docker${path}'`).join(' ')
}

/** The documents that `askEngine` printed. Throws `FactUnavailable` when the engine is down or refuses. */
export function engineAnswers(output: FactOutput): readonly unknown[] {
  if (output.status === NOT_RUNNING) throw new FactUnavailable('the Docker engine is not running')
  if (output.status !== 0) throw new FactUnavailable(`the Docker engine does not answer: ${output.stderr.trim()}`)
  return output.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)
}

/** The engine's own words when it refused (`{"message": ...}` alone), else undefined. */
export function refusal(answer: unknown): string | undefined {
  if (typeof answer !== 'object' || answer === null || !('message' in answer)) return undefined
  return Object.keys(answer).length === 1 && typeof answer.message === 'string' ? answer.message : undefined
}

const CURL = `curl -gsS --fail-with-body --max-time 60 --unix-socket ${ENGINE_SOCKET} -X "$1" "http://docker$2"`
const CALL = `answer=$(${CURL} -H 'Content-Type: application/json' --data-binary @-) && exit
status=$?
printf '%s\\n' "$answer" >&2
exit "$status"`

/** A call that changes something. Its body travels on standard input, so that it may hold a secret. */
export function callEngine(method: 'POST' | 'DELETE', path: string, body: object = {}): Command {
  return { argv: ['sh', '-c', CALL, 'engine', method, path], stdin: JSON.stringify(body) }
}

// The engine answers after 20 s that it goes on joining by itself: a manager that takes many nodes at once needs longer. Of
// two managers that join at once each changes who has to agree, and the second one may have to ask again.
const JOIN = `body=$(cat)
join() { printf %s "$body" | ${CURL} -H 'Content-Type: application/json' --data-binary @-; }
asks=4
until answer=$(join "$@"); do
  status=$?
  case $answer in
    *'context deadline exceeded'*) [ $((asks -= 1)) -eq 0 ] || { sleep 2; continue; } ;;
    *'continue in the background'*)
      tries=120
      while state=$(curl -gsS --max-time 20 --unix-socket ${ENGINE_SOCKET} http://docker/info); do
        case $state in
          *'"LocalNodeState":"active"'*) exit 0 ;;
          *'"LocalNodeState":"pending"'*) [ $((tries -= 1)) -gt 0 ] || break; sleep 1 ;;
          *) break ;;
        esac
      done ;;
  esac
  printf '%s\\n' "$answer" >&2
  exit "$status"
done`

/** Joins a swarm and waits until the managers took the node in. The body, which holds a token, travels on standard input. */
export function joinSwarm(body: object): Command {
  return { argv: ['sh', '-c', JOIN, 'engine', 'POST', '/swarm/join'], stdin: JSON.stringify(body) }
}

/** Longest the swarm may be late, and an engine that was restarted for it may take. */
const START_MS = 300_000
/** What runs here for services of the swarm. */
const TASKS = `/containers/json?filters=${encodeURIComponent('{"label":["com.docker.swarm.task.id"]}')}`

// The engine gives a place on an overlay up after 20 s. A manager that was busy, or had not noticed that the node was
// started anew, or has fifty nodes to see to, gives it a little later, and tells the node of the network later still. A new
// leader may have given the node up just as it came, and sticks to that until the engine comes again. On the node that looks
// as a network without a free address does; but a node that is given up was told to end all it ran for services, so that
// a restart, the last remedy, takes nothing away.
const START = `tries=5 forgot= remedy=\${3-}
given_up() {
  [ "$remedy" = restart ] &&
    [ "$(curl -gsS --max-time 20 --unix-socket ${ENGINE_SOCKET} ${urls([TASKS])})" = '[]' ]
}
until answer=$(${CURL}); do
  status=$?
  case $answer in
    *'attaching to network failed'*)
      forgot=next
      if [ "$tries" -eq 1 ] && given_up; then
        remedy=none tries=3
        echo "the swarm gives this node no place on a network: its engine, which runs no service, is restarted" >&2
        systemctl restart docker >&2
      fi ;;
    *'network '*' not found'*)
      # It answers so at once where it has just given a place up, which it was asked for long enough.
      if [ -n "$forgot" ]; then tries=$((tries + 1)) forgot=; fi ;;
    *) tries=1 ;;
  esac
  tries=$((tries - 1))
  if [ "$tries" -eq 0 ]; then
    printf '%s\\n' "$answer" >&2
    exit "$status"
  fi
  sleep 1
done`

/**
 * Starts a container that was created; where the swarm is late with its place on a network, again. `restart` is for a
 * container that every node can have: where there is no place for it, and no task of a service, the engine is restarted.
 */
export function startContainer(name: string, remedy?: 'restart'): Command {
  const call = ['POST', `/containers/${name}/start`]
  const argv = ['sh', '-c', START, 'engine', ...call, ...(remedy === undefined ? [] : [remedy])]
  return { argv, stdin: '', timeoutMs: START_MS }
}
