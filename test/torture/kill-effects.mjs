// Loaded into lab with `node --import`: notes each side effect lab has, node by node, and lets something die right before
// or right after one of them. It stands between lab and its libraries (ssh2, node:http, node:fs); lab itself has no hook.
//
// What counts: each command of a step (also in the middle of the script they travel in), each other command and request on
// a node, each request to the host's engine that is no question, each file of the lab's own state. Facts do not count.
//
//   LAB_EFFECTS   file that gets one JSON line an effect: {"node","number","via","what"}, and {"killed","node","what"} right before that is
//               done: a command that is killed in its script has no line of its own
//   LAB_ID        the lab's id, the first part of its containers' names
//   LAB_KILL      {"kind","node","number","side"} as JSON; absent: nothing dies, the effects are only noted. With "node":
//                 "any", the first effect that gets the lab further (of its own files, those that are finished), or in a
//                 script the one of that number: where a step takes several commands, the first alone may not do so.
import { spawnSync } from 'node:child_process'
import { Buffer } from 'node:buffer'
import { appendFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import http from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import ssh2 from 'ssh2'

const { LAB_EFFECTS: log, LAB_ID: lab, LAB_KILL: wanted } = process.env
const target = wanted === undefined ? undefined : JSON.parse(wanted)
const counts = new Map()
const HIT = 'lab-effect-reached'

const note = (entry) => appendFileSync(log, `${JSON.stringify(entry)}\n`)
const isTarget = (node, number, side) =>
  target?.side === side && (target.node === 'any' || (target.node === node && target.number === number))

/** One effect: noted, and whatever is to die at it does so around it. Returns what to call once it has happened. */
function effect(node, via, what, client) {
  const number = (counts.get(node) ?? 0) + 1
  counts.set(node, number)
  note({ node, number, via, what })
  if (isTarget(node, number, 'before')) kill(node, what, client)
  let isOver = false
  return () => {
    if (!isOver && isTarget(node, number, 'after')) kill(node, what, client)
    isOver = true
  }
}

function kill(node, what, client) {
  note({ killed: target.kind, node, what })
  if (target.kind === 'lab') process.kill(process.pid, 'SIGKILL')
  else if (target.kind === 'session') client._sock.destroy()
  else spawnSync('docker', ['kill', `${lab}-${node}`])
}

// The connection to each node.
const nodes = new Map()
/** Commands that only look. */
const QUESTION =
  /(?:^|\s)exec (?:head|cat|docker (?:container )?inspect|\/usr\/local\/lib\/lab\/volume-(?:driver (?:name|state|snapshots|health)|serve (?:state|holders))|timeout \d+ systemctl is-system-running|sh -c 'case \$1-\$\(stat -L)(?: |$)/
/** What a command line is, by its beginning and its end: what is written in between is long, and may be secret. */
const summary = (text) => {
  const words = (/ exec ([^]*)/.exec(text)?.[1] ?? text).replaceAll(/\s+/g, ' ')
  return words.length <= 160 ? words : `${words.slice(0, 60)} [...] ${words.slice(-90)}`
}
const portsOf = (text) => [...text.matchAll(/:(\d+)->22\/tcp/g)].map((match) => Number(match[1]))
const { connect, exec, openssh_forwardOutStreamLocal: forward } = ssh2.Client.prototype

ssh2.Client.prototype.connect = function (options) {
  const { stdout } = spawnSync('docker', ['ps', '--format', '{{.Names}} {{.Ports}}', '--filter', `label=lab.id=${lab}`])
  for (const line of stdout.toString().split('\n')) {
    const name = line.split(' ')[0].slice(lab.length + 1)
    if (portsOf(line).includes(options.port)) nodes.set(this, name)
  }
  return connect.call(this, options)
}

ssh2.Client.prototype.exec = function (text, ...rest) {
  const done = rest.pop()
  const isScript = text.endsWith('exec sh')
  const finish = isScript || QUESTION.test(text) ? () => undefined : effect(nodes.get(this), 'ssh', summary(text), this)
  return exec.call(this, text, ...rest, (error, channel) => {
    if (error === undefined && isScript) watchScript(nodes.get(this), channel, this)
    else if (error === undefined) channel.prependOnceListener('exit', finish)
    done(error, channel)
  })
}

ssh2.Client.prototype.openssh_forwardOutStreamLocal = function (path, done) {
  const node = nodes.get(this)
  return forward.call(this, path, (error, channel) => {
    if (error === undefined) {
      const write = channel.write
      let finish = () => undefined
      channel.write = (chunk, ...rest) => {
        const request = /^(?:(?:POST|PUT|DELETE) \S+|reload\n)/.exec(chunk.toString())?.[0]
        if (request !== undefined) finish = effect(node, 'ssh', request.trim(), this)
        return write.call(channel, chunk, ...rest)
      }
      channel.prependListener('data', () => finish())
    }
    done(error, channel)
  })
}

const START = '[ -z "$ok" ] || { '
const END =
  /; s=\$\?; (printf '\\n%s %s %s\\n' (apply-[0-9a-f]+) (\d+) "\$s"); printf [^;]*; \[ "\$s" = 0 \] \|\| ok=; \}\n/g

/** A script that changes something is held back until it is whole; its commands are effects once they have run. */
function watchScript(node, channel, client) {
  const { write, end } = channel
  const parts = []
  channel.write = (chunk, ...rest) => {
    parts.push(Buffer.from(chunk))
    const done = rest.find((each) => typeof each === 'function')
    if (done !== undefined) process.nextTick(done)
    return true
  }
  channel.end = () => {
    Object.assign(channel, { write, end })
    const script = Buffer.concat(parts).toString()
    channel.write(withHook(node, script, channel, client))
    channel.end()
  }
}

function withHook(node, script, channel, client) {
  // The first part takes the lock; what follows it up to the questions are the commands.
  const [lock, ...commands] = [...script.matchAll(END)]
  if (lock === undefined) return script
  const first = (counts.get(node) ?? 0) + 1
  const titles = commands.map((match, index) => {
    const from = index === 0 ? lock.index + lock[0].length : commands[index - 1].index + commands[index - 1][0].length
    return summary(script.slice(from, match.index).replaceAll("'\\''", "'"))
  })
  const ran = new Set()
  let seen = ''
  channel.prependListener('data', (chunk) => {
    seen = seen.slice(-200) + chunk.toString()
    for (const match of seen.matchAll(new RegExp(`\\n${lock[2]} (\\d+) \\d+\\n`, 'g'))) {
      const index = Number(match[1]) - 1
      if (index < 0 || index >= commands.length || ran.has(index)) continue
      ran.add(index)
      counts.set(node, first + index)
      note({ node, number: first + index, via: 'ssh', what: titles[index] })
    }
  })
  const index =
    target?.node === 'any'
      ? Math.min(target.number, commands.length) - 1
      : target?.node === node
        ? target.number - first
        : -1
  if (index < 0 || index >= commands.length) return script
  const previous = index === 0 ? lock : commands[index - 1]
  const at =
    target.side === 'after'
      ? commands[index].index + '; s=$?; '.length
      : previous.index + previous[0].length + START.length
  let said = ''
  channel.stderr.prependListener('data', (chunk) => {
    said = said.slice(-100) + chunk.toString()
    if (!said.includes(HIT)) return
    said = ''
    if (target.kind === 'session') note({ killed: 'session', node, what: titles[index] })
    else kill(node, titles[index], client)
  })
  return script.slice(0, at) + hook() + script.slice(at)
}

/**
 * Shell text that says where the script is and waits for what comes of it: the end of lab, of the node or, which it brings
 * about itself, of the SSH session. Then the script goes on, as it would have.
 */
function hook() {
  const session = '$(cut -d" " -f4 "/proc/$$/stat")'
  const sever =
    target.kind === 'session'
      ? 'up=$(cut -d" " -f4 "/proc/$p/stat"); case $(cat "/proc/$up/cmdline") in *\\[priv\\]*|*sshd-session*) kill -9 "$up";; esac; kill -9 "$p"; '
      : ''
  const wait = 'n=0; while [ -d "/proc/$p" ] && [ "$n" -lt 1500 ]; do n=$((n + 1)); sleep 0.02; done'
  return `( p=${session}; printf '\\n${HIT}\\n' >&2; ${sever}${wait} ) </dev/null; `
}

// The engine of the host.
const { request } = http
http.request = (...args) => {
  const [options] = args
  if (options?.socketPath === undefined || !['POST', 'PUT', 'DELETE'].includes(options.method)) return request(...args)
  // A machine is made in one go or made anew: that it was begun, or what was begun is gone, gets a lab no further.
  const isRetried = options.method !== 'POST' || options.path.startsWith('/containers/create')
  if (target?.node === 'any' && isRetried) return request(...args)
  const node = new RegExp(`${lab}-([a-z0-9-]+)`).exec(options.path)?.[1] ?? 'host'
  const finish = effect(node, 'engine', `${options.method} ${options.path}`)
  const made = request(...args)
  made.prependOnceListener('response', finish)
  return made
}

// The files lab keeps to itself; its records of runs are told as they happen and count for nothing.
// The first of them in a run would for ever be the same draft, lock or directory: that is not what gets a lab further.
const isProgress = (name, path) => name === 'rename' && !path.includes('/.lab/lock')
for (const name of ['rename', 'link', 'rm', 'mkdir', 'writeFile']) {
  const original = fs[name]
  fs[name] = async (...args) => {
    const path = String(args[0])
    if (!path.includes('/.lab/') || path.includes('/.lab/runs')) return original(...args)
    if (target?.node === 'any' && !isProgress(name, path)) return original(...args)
    const finish = effect('host', 'file', `${name} ${path}`)
    const result = await original(...args)
    finish()
    return result
  }
}
syncBuiltinESMExports()
