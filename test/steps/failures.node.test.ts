import { beforeAll, expect, test } from 'vitest'
import type { Step } from '../../src/model/step.ts'
import { apt } from '../../src/steps/apt.ts'
import { archive } from '../../src/steps/archive.ts'
import { authorizedKey } from '../../src/steps/authorized-key.ts'
import { block } from '../../src/steps/block.ts'
import { command } from '../../src/steps/command.ts'
import { directory } from '../../src/steps/directory.ts'
import { dockerImage } from '../../src/steps/docker-image.ts'
import { download } from '../../src/steps/download.ts'
import { file } from '../../src/steps/file.ts'
import { group } from '../../src/steps/group.ts'
import { line } from '../../src/steps/line.ts'
import { mount } from '../../src/steps/mount.ts'
import { service } from '../../src/steps/service.ts'
import { sudoers } from '../../src/steps/sudoers.ts'
import { sysctl } from '../../src/steps/sysctl.ts'
import { timer } from '../../src/steps/timer.ts'
import { timezone } from '../../src/steps/timezone.ts'
import { user } from '../../src/steps/user.ts'
import { wait } from '../../src/steps/wait.ts'
import { useNode } from '../node-fixture.ts'
import { runSteps } from './play-runner.ts'

const node = useNode()
beforeAll(() => node.sh('mkdir -p /srv/full; echo x >/srv/full/file; tar -C /srv -cf /srv/x.tar full'))

const KEY = `ssh-ed25519 ${'A'.repeat(48)} ada`
const SHA = '0'.repeat(64)

// What the node itself says, and what was wanted where what was found is to be told, too.
const FAILING: readonly (readonly [step: Step, said: RegExp, wish?: RegExp])[] = [
  [
    apt({ packages: ['no-such-package'] }),
    /Unable to locate package no-such-package/,
    /wanted installed, found nothing/,
  ],
  [archive({ source: '/srv/x.tar', sha256: SHA, path: '/opt/x' }), /has the SHA-256 \w+, not 0000/, /found nothing/],
  [authorizedKey({ user: 'nobody-here', key: KEY }), /nobody-here/],
  [block({ path: '/srv/none', name: 'b', content: 'x\n' }), /\/srv\/none is not there/],
  [
    command({ title: 'try', run: 'echo first; echo last >&2; exit 3', unless: 'false' }),
    /exited with 3:\nfirst\nlast/,
    /test: wanted passes, found fails/,
  ],
  [command({ title: 'in vain', run: 'true', unless: 'false' }), /was applied, but test/, /wanted passes, found fails/],
  [command({ title: 'slow', run: 'sleep 9', unless: 'false', timeoutMs: 900 }), /did not end within 1 s/],
  [directory({ path: '/srv/full/file/below' }), /Not a directory/, /type: wanted directory, found nothing/],
  [dockerImage({ tag: 'x:1', pull: true }), /engine is not running/],
  [
    download({ url: 'http://127.0.0.1:9/x', path: '/srv/d', sha256: SHA }),
    /exited with/,
    /content: wanted sha256:0000/,
  ],
  [file({ path: '/srv/full', content: 'x' }), /directory/, /type: wanted file, found directory/],
  [group({ name: 'crew', gid: 0 }), /GID '0' already exists/, /exists: wanted yes, found no/],
  [line({ path: '/etc/passwd', line: 'x', after: '^none$' }), /no line of \/etc\/passwd matches \^none\$/],
  [mount({ path: '/srv/m', device: '/srv/none', type: 'ext4' }), /\/srv\/none/, /mounted: wanted ext4, found nothing/],
  [service({ unit: 'no-such', running: true }), /no-such\.service not found/, /running: wanted yes, found inactive/],
  [
    sudoers({ name: 'x', rules: ['this is no rule'] }),
    /visudo|syntax error/,
    /rules: wanted this is no rule, found nothing/,
  ],
  [sysctl({ name: 'x', settings: { 'vm.no_such': 1 } }), /no_such/],
  [
    timer({ name: 'x', command: 'true', calendar: 'whenever' }),
    /whenever/,
    /x\.timer: wanted as wanted, found nothing/,
  ],
  [timezone({ zone: 'Mars/Olympus' }), /no such zone/],
  [user({ name: 'eve', uid: 0 }), /UID 0 is not unique/, /exists: wanted yes, found no/],
  [
    wait({ path: '/srv/never', deadlineMs: 500 }),
    /not so within 1 s/,
    /condition: wanted \/srv\/never is there, found absent/,
  ],
]

test.each(FAILING.map(([step, said, wish]) => [step.title, step, said, wish] as const))(
  '%s: host, line, what was wanted and found, the last words, what to do',
  async (title, step, said, wish) => {
    const { summary } = await runSteps(node, [step])
    const [error] = summary.errors
    expect(error?.message.startsWith(`node1: "${title}": `), error?.message).toBe(true)
    expect(error?.message).toMatch(said)
    if (wish !== undefined) expect(error?.message).toMatch(wish)
    expect(error?.where).toMatch(/^node1, test\/steps\/failures\.node\.test\.ts:\d+$/)
    expect(error?.hint).toMatch(/^look at test\/steps\/failures\.node\.test\.ts:\d+, then: .* --limit node1$/)
  },
)
