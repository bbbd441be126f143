import { familyQuery, FactUnavailable, type FactFamily, type FactQuery } from '../model/step.ts'
import { quote, quoteAll } from '../shell/quote.ts'

/** TCP ports that somebody listens on, as the kernel lists them: nobody is connected to, so no socket starts its service. */
const listening: FactFamily<boolean> = {
  name: 'listening',
  script: () => `cat /proc/net/tcp /proc/net/tcp6 2>/dev/null; [ -r /proc/net/tcp ]`,
  parse({ status, stdout }, ports) {
    if (status !== 0) throw new FactUnavailable('the kernel lists no TCP ports')
    // 0A is LISTEN; the port is the hexadecimal end of the local address.
    const open = new Set([...stdout.matchAll(/^ *\d+: [0-9A-F]+:([0-9A-F]{4}) \S+ 0A /gm)].map((match) => match[1]))
    return new Map(ports.map((port) => [port, open.has(Number(port).toString(16).toUpperCase().padStart(4, '0'))]))
  },
}

/** Whether somebody on the node listens on a TCP port. */
export function portListens(port: number): FactQuery<boolean> {
  return familyQuery(listening, String(port))
}

/** Shell text that succeeds when a TCP connection can be made; bash can make one by itself. */
export function connects(host: string, port: number): string {
  return `timeout 3 bash -c 'exec 3<>"/dev/tcp/$1/$2"' port ${quoteAll([host, String(port)])} 2>/dev/null`
}

/** Shell text that succeeds when a port of the node itself is listened on. */
export function listens(port: number): string {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  return `grep -Eqs '^ *[0-9]+: [0-9A-F]+:${hex} [^ ]+ 0A ' /proc/net/tcp /proc/net/tcp6`
}

const NO_CURL = 69

// A plain request needs no program: the shell itself speaks enough HTTP to read a status line.
const PLAIN = `exec 3<>"/dev/tcp/$1/$2" || exit 7
printf 'GET %s HTTP/1.1\\r\\nHost: %s\\r\\nUser-Agent: lab\\r\\nAccept: */*\\r\\nConnection: close\\r\\n\\r\\n' "$3" "$4" >&3
IFS=' ' read -r version status rest <&3 && case $version in HTTP/*) printf '%s\\n' "$status" ;; *) exit 8 ;; esac`

/** Shell text that prints the status a URL is answered with, or fails. Redirections are not followed. */
export function httpStatus(url: string): string {
  const { protocol, hostname, port, pathname, search, host } = new URL(url)
  if (protocol === 'http:') {
    const words = [hostname.replace(/^\[|\]$/g, ''), port === '' ? '80' : port, `${pathname}${search}`, host]
    return `timeout 5 bash -c ${quote(PLAIN)} http ${quoteAll(words)} 2>/dev/null`
  }
  return `{ command -v curl >/dev/null || exit ${String(NO_CURL)}; curl -gsS -o /dev/null --max-time 5 -w '%{http_code}\\n' -- ${quote(url)} 2>/dev/null; }`
}

/** Status a URL is answered with, or undefined while nobody answers. https needs curl on the node. */
export function httpAnswer(url: string): FactQuery<number | undefined> {
  return {
    key: `http ${url}`,
    script: httpStatus(url),
    parse({ status, stdout }) {
      if (status === NO_CURL) throw new FactUnavailable('https needs curl on the node')
      const answered = /^([1-5]\d\d)\n$/.exec(stdout)?.[1]
      return answered === undefined ? undefined : Number(answered)
    },
  }
}

/** Whether a TCP connection to a host can be made. */
export function portConnects(host: string, port: number): FactQuery<boolean> {
  return { key: `connects ${host} ${String(port)}`, script: connects(host, port), parse: ({ status }) => status === 0 }
}
