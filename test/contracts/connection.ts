import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Connection } from '../../src/model/connection.ts'
import { LabError } from '../../src/model/errors.ts'
import { WAITED } from '../../src/shell/transient-unit.ts'
import { waitFor } from '../../src/model/wait.ts'

/** What every connection to a node must do. `open` gives one to a node with systemd, of which the suite owns /tmp. */
export function connectionContract(name: string, open: () => Promise<Connection>): void {
  describe(`a connection (${name})`, () => {
    let connection: Connection
    beforeAll(async () => {
      connection = await open()
    })
    afterAll(() => connection.close())

    /** Number of processes on the node whose command line holds `text`. */
    const count = async (needle: string): Promise<number> => {
      const { stdout } = await connection.exec({ argv: ['ps', '-eo', 'args'] })
      return stdout.split('\n').filter((line) => line.startsWith(needle)).length
    }
    const gone = (needle: string) =>
      waitFor(async () => ((await count(needle)) === 0 ? true : undefined), {
        deadlineMs: 5000,
        what: `${needle} to end`,
      })

    test('runs an argument vector as it is, whatever its words hold', async () => {
      const words = ["it's", '$HOME `id`', '*', '', 'a\nb', '-n', 'ünï', '\\']
      const { status, stdout, stderr } = await connection.exec({ argv: ['printf', '[%s]', ...words] })
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: words.map((w) => `[${w}]`).join(''), stderr: '' })
    })

    test('keeps output, error and status apart, and a status that is not 0 is a result', async () => {
      const script = 'echo out; echo err >&2; exit 3'
      expect(await connection.exec({ argv: ['sh', '-c', script] })).toEqual({
        status: 3,
        stdout: 'out\n',
        stderr: 'err\n',
      })
      expect(await connection.script(script)).toEqual({ status: 3, stdout: 'out\n', stderr: 'err\n' })
      expect((await connection.exec({ argv: ['sh', '-c', 'kill -9 $$'] })).status).toBe(137)
      expect((await connection.exec({ argv: ['no-such-program'] })).status).toBe(127)
    })

    test('hands over standard input, environment and directory', async () => {
      const command = {
        argv: ['sh', '-c', 'cat; printf %s "$WORD"; pwd'],
        stdin: 'in ',
        env: { WORD: "it's " },
        cwd: '/usr',
      }
      expect((await connection.exec(command)).stdout).toBe("in it's /usr\n")
    })

    test('passes binary input and large output whole', async () => {
      const bytes = Buffer.alloc(3_000_000, 'abcdefg')
      const { stdout } = await connection.exec({ argv: ['sha256sum'], stdin: bytes })
      const { stdout: local } = await connection.exec({
        argv: ['sh', '-c', 'yes abcdefg | tr -d "\\n" | head -c 3000000'],
      })
      expect(local).toHaveLength(3_000_000)
      expect(stdout).toBe(`${createHash('sha256').update(bytes).digest('hex')}  -\n`)
    })

    test('a command that does not read its input ends all the same', async () => {
      expect(await connection.exec({ argv: ['true'], stdin: 'x'.repeat(5_000_000) })).toMatchObject({ status: 0 })
    })

    test('more commands than channels wait their turn', async () => {
      const all = await Promise.all(
        Array.from({ length: 40 }, (_, i) => connection.exec({ argv: ['echo', String(i)] })),
      )
      expect(all.map(({ stdout }) => stdout.trim())).toEqual(Array.from({ length: 40 }, (_, i) => String(i)))
    })

    test('a stream that is dropped while data comes in gives its place back', async () => {
      const flood = `use IO::Socket::INET; $SIG{CHLD} = "IGNORE";
        my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 4547, Listen => 64, ReuseAddr => 1);
        while (my $c = $s->accept) { next if fork; print $c "x" x 65536 while $c->connected; exit }`
      const server = await connection.spawn({ argv: ['perl', '-e', flood] })
      try {
        const dial = () => connection.openTcp('127.0.0.1', 4547).catch(() => undefined)
        for (let i = 0; i < 20; i++) {
          const stream = await waitFor(dial, { deadlineMs: 5000, intervalMs: 50, what: 'the flood to listen' })
          await once(stream, 'data')
          stream.destroy()
        }
        const all = await Promise.all(Array.from({ length: 7 }, () => connection.exec({ argv: ['echo', 'OK'] })))
        expect(all.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 7 }, () => 'OK\n'))
      } finally {
        server.kill()
      }
    })

    test('a deadline ends the command and its children on the node', async () => {
      const late = connection.exec({ argv: ['sh', '-c', 'sleep 4242 & timeout 5000 sleep 4242; :'], timeoutMs: 400 })
      await expect(late).rejects.toMatchObject({ code: 'TIMEOUT' })
      await gone('sleep 4242')
    })

    test('an abort ends the command on the node, and one that waits for its turn', async () => {
      const abort = new AbortController()
      const running = Array.from({ length: 9 }, () =>
        connection.exec({ argv: ['sleep', '4343'] }, { signal: abort.signal }),
      )
      const results = Promise.allSettled(running)
      await waitFor(async () => ((await connectionCount(8)) ? true : undefined), {
        deadlineMs: 5000,
        what: '8 commands',
      })
      abort.abort(new Error('enough'))
      for (const result of await results)
        expect(result).toMatchObject({ status: 'rejected', reason: { message: 'enough' } })
      await gone('sleep 4343')
    })
    // All channels are taken then, so the look itself has to wait until one is free: it asks over a connection of its own.
    const connectionCount = async (wanted: number): Promise<boolean> => {
      const other = await open()
      try {
        const { stdout } = await other.exec({ argv: ['sh', '-c', 'ps -eo args | grep -c "^sleep 4343"'] })
        return Number(stdout) === wanted
      } finally {
        await other.close()
      }
    }

    test('a spawned command is written to, read from and signalled', async () => {
      const process = await connection.spawn({ argv: ['cat'] })
      process.stdin.write('one\n')
      expect(String((await once(process.stdout, 'data'))[0])).toBe('one\n')
      process.stdin.end('two\n')
      expect(await text(process.stdout)).toBe('two\n')
      expect(await process.exit).toBe(0)
      const sleeper = await connection.spawn({ argv: ['sleep', '4444'] })
      sleeper.kill('INT')
      expect(await sleeper.exit).toBe(130)
    })

    test('a command under a unit outlives whoever waits for it, and is waited for by the next', async () => {
      const command = {
        argv: ['sh', '-c', 'cat; touch /tmp/unit-began; sleep 1.5; touch /tmp/unit-ended'],
        stdin: 'in',
        unit: 'lab-contract',
      }
      const abort = new AbortController()
      const first = connection.exec(command, { signal: abort.signal })
      const exists = async (path: string) => (await connection.exec({ argv: ['test', '-e', path] })).status === 0
      await waitFor(async () => ((await exists('/tmp/unit-began')) ? true : undefined), {
        deadlineMs: 5000,
        what: 'the unit',
      })
      abort.abort(new Error('killed'))
      await expect(first).rejects.toThrow('killed')
      expect((await connection.exec(command)).status).toBe(WAITED)
      expect(await exists('/tmp/unit-ended')).toBe(true)
      expect(await connection.exec({ ...command, argv: ['sh', '-c', 'cat; exit 5'] })).toMatchObject({
        status: 5,
        stdout: 'in',
      })
      expect(await connection.exec({ argv: ['sleep', '60'], unit: 'lab-contract', timeoutMs: 500 })).toMatchObject({
        status: 124,
      })
    })

    test('files are written whole with their mode, and read back byte for byte', async () => {
      const bytes = Buffer.from([0, 1, 255, 10, 13])
      await connection.writeFile("/tmp/it's here", bytes, 0o640)
      expect(await connection.readFile("/tmp/it's here")).toEqual(bytes)
      expect((await connection.exec({ argv: ['stat', '-c', '%a', "/tmp/it's here"] })).stdout).toBe('640\n')
      await expect(connection.readFile('/tmp/nothing')).rejects.toThrow('No such file')
      await expect(connection.writeFile('/no/such/directory', 'x', 0o600)).rejects.toBeInstanceOf(LabError)
    })

    test('a terminal has the size it is given, takes a new one, and passes the exit code on', async () => {
      const size = { columns: 81, rows: 25, term: 'xterm' }
      const terminal = await connection.terminal(size, {
        argv: ['sh', '-c', 'stty size; trap "stty size; exit 7" WINCH; while :; do sleep 0.05; done'],
      })
      let shown = ''
      terminal.stream.on('data', (chunk: Buffer) => (shown += chunk.toString()))
      const shows = (what: string) =>
        waitFor(() => Promise.resolve(shown.includes(what) ? true : undefined), { deadlineMs: 5000, what })
      await shows('25 81')
      terminal.resize(100, 40)
      await shows('40 100')
      expect(await terminal.exit).toBe(7)
    })

    test('opens streams to ports and sockets of the node', async () => {
      const stream = await connection.openTcp('127.0.0.1', 22)
      expect(String((await once(stream, 'data'))[0])).toMatch(/^SSH-2/)
      stream.destroy()
      await expect(connection.openTcp('127.0.0.1', 9)).rejects.toMatchObject({ code: 'CHANNEL' })
      await expect(connection.openUnixSocket('/run/no.sock')).rejects.toMatchObject({ code: 'CHANNEL' })
    })

    test('the Docker agent keeps its sockets, gives way to commands, and survives many requests', async () => {
      await connection.exec({ argv: ['systemctl', 'start', 'docker'] })
      const agent = connection.dockerAgent()
      const get = async (path: string): Promise<string> => {
        const sent = request({ agent, host: 'docker', path })
        sent.end()
        const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream]
        return text(response)
      }
      const answers = await Promise.all([
        ...Array.from({ length: 20 }, () => get('/_ping')),
        ...Array.from({ length: 20 }, async () => (await connection.exec({ argv: ['echo', 'OK'] })).stdout.trim()),
      ])
      expect(new Set(answers)).toEqual(new Set(['OK']))
      // As for `docker exec`: the connection is handed over, and carries bytes both ways from then on.
      const headers = { connection: 'Upgrade', upgrade: 'h2c' }
      const sent = request({ agent, host: 'docker', path: '/grpc', method: 'POST', headers })
      sent.end()
      const [, stream, head] = (await once(sent, 'upgrade')) as [unknown, Duplex, Buffer]
      stream.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0')
      // The engine's own settings come first, and may have come along with the answer to the request already.
      const [frame] = head.length > 3 ? [head] : ((await once(stream, 'data')) as [Buffer])
      expect(frame[3]).toBe(4)
      stream.destroy()
    })

    test('what is lost is told at once to whoever runs something, and to whoever comes later', async () => {
      const doomed = await open()
      const running = doomed.exec({ argv: ['sleep', '4545'] })
      const spawned = await doomed.spawn({ argv: ['sleep', '4545'] })
      await doomed.close()
      await expect(running).rejects.toMatchObject({ code: 'UNREACHABLE' })
      await expect(spawned.exit).rejects.toMatchObject({ code: 'UNREACHABLE' })
      await expect(doomed.exec({ argv: ['true'] })).rejects.toMatchObject({ code: 'UNREACHABLE' })
      await connection.exec({ argv: ['pkill', '-f', '^sleep 4545'] })
    })
  })
}
