import { beforeAll, expect, test } from 'vitest'
import type { Step } from '../../src/model/step.ts'
import { apt } from '../../src/steps/apt.ts'
import { authorizedKey } from '../../src/steps/authorized-key.ts'
import { block } from '../../src/steps/block.ts'
import { directory } from '../../src/steps/directory.ts'
import { hostname } from '../../src/steps/hostname.ts'
import { hostsEntry } from '../../src/steps/hosts-entry.ts'
import { line } from '../../src/steps/line.ts'
import { mount } from '../../src/steps/mount.ts'
import { sudoers } from '../../src/steps/sudoers.ts'
import { timer } from '../../src/steps/timer.ts'
import { timezone } from '../../src/steps/timezone.ts'
import { unit } from '../../src/steps/unit.ts'
import { user } from '../../src/steps/user.ts'
import { useNode } from '../node-fixture.ts'
import { runSteps } from './play-runner.ts'

// Every program that a step starts goes through a stand-in, which kills the whole step (SIGKILL to its process group)
// instead of starting the n-th one. So each step dies before, and after, each of its side effects; the next run has to
// finish what is left.
const node = useNode()
const { sh } = node
const SHIMS = '/opt/shims'
const PROGRAMS =
  'awk cat chmod chown chpasswd cp dd find groupadd groupdel hostname ln mkdir mount mv rm rmdir systemctl truncate umount useradd userdel usermod visudo xargs'

beforeAll(async () => {
  await runSteps(node, [apt({ packages: ['sudo'] }), user({ name: 'eve' })])
  await sh(`set -eu
mkdir -p ${SHIMS} /run/lab-test
for name in ${PROGRAMS}; do
  real=$(command -v "$name")
  cat >${SHIMS}/"$name" <<EOF
#!/bin/sh
read -r n </run/lab-test/count; read -r last </run/lab-test/kill-at
n=\\$((n + 1)); echo "\\$n" >/run/lab-test/count
[ "\\$n" != "\\$last" ] || kill -9 0
exec $real "\\$@"
EOF
done
chmod +x ${SHIMS}/*`)
})

/** The same step, whose commands find the stand-ins first. */
function shimmed(step: Step): Step {
  const env = { PATH: `${SHIMS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin` }
  return {
    ...step,
    apply: async (...given) => (await step.apply(...given)).map((command) => ({ ...command, env })),
  }
}

const FILE = '/etc/killed.conf'
const KEY = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${'a'.repeat(43)} eve`
const cases: readonly { step: Step; reset: string; look?: string; expected?: string }[] = [
  {
    step: line({ path: FILE, line: 'a = 2', matching: '^a' }),
    reset: `printf 'x\\na = 1\\ny\\n' >${FILE}`,
    look: `cat ${FILE}; ls -A /etc | grep lab-new || true`,
    expected: 'x\na = 2\ny',
  },
  {
    step: block({ path: FILE, name: 'lab', content: 'b' }),
    reset: `printf 'x\\n# BEGIN lab\\na\\n# END lab\\ny\\n' >${FILE}`,
    look: `cat ${FILE}; ls -A /etc | grep lab-new || true`,
    expected: 'x\n# BEGIN lab\nb\n# END lab\ny',
  },
  {
    step: hostsEntry({ address: '192.0.2.1', names: ['db'] }),
    reset: `printf '127.0.0.1 localhost\\n192.0.2.222 db\\n# mine\\n' >/etc/hosts`,
    look: 'grep . /etc/hosts',
    expected: '127.0.0.1 localhost\n# mine\n192.0.2.1 db',
  },
  {
    step: user({ name: 'ada', groups: ['adm'], passwordHash: '$6$salt$hash' }),
    reset: 'userdel ada 2>/dev/null || true; groupdel ada 2>/dev/null || true; rm -rf /home/ada /home/.ada*',
    look: 'stat -c %U /home/ada/.profile; ls -A /home; id -Gn ada',
    expected: 'ada\nada\neve\nada adm',
  },
  {
    step: user({ name: 'zoe', absent: true, removeHome: true }),
    reset: 'id zoe >/dev/null 2>&1 || useradd -m zoe',
    look: 'ls -d /home/zoe 2>/dev/null || echo gone',
    expected: 'gone',
  },
  {
    step: authorizedKey({ user: 'eve', key: KEY, exclusive: true }),
    reset: `rm -rf ~eve/.ssh; mkdir ~eve/.ssh; echo 'ssh-rsa ${'B'.repeat(40)}' >~eve/.ssh/authorized_keys`,
    look: 'cat ~eve/.ssh/authorized_keys',
    expected: KEY,
  },
  {
    step: sudoers({ name: 'eve', rules: ['eve ALL=(root) NOPASSWD: /usr/bin/id'] }),
    reset: 'rm -f /etc/sudoers.d/eve',
    look: 'runuser -u eve -- sudo -n id -u; ls -A /etc/sudoers.d',
    expected: '0\nREADME\neve',
  },
  { step: hostname({ name: 'web1' }), reset: 'hostname node1; echo node1 >/etc/hostname' },
  { step: timezone({ zone: 'Asia/Tokyo' }), reset: 'ln -sf /usr/share/zoneinfo/Etc/UTC /etc/localtime' },
  {
    step: mount({ path: '/srv/scratch', device: 'tmpfs', type: 'tmpfs', options: ['size=1m'] }),
    reset: 'while mountpoint -q /srv/scratch; do umount /srv/scratch; done; echo "# by hand" >/etc/fstab',
    look: 'cat /etc/fstab; grep -c " /srv/scratch " /proc/mounts',
    expected: '# by hand\ntmpfs /srv/scratch tmpfs size=1m 0 0\n1',
  },
  {
    step: mount({ path: '/srv/old', absent: true }),
    reset: `mkdir -p /srv/old; mountpoint -q /srv/old || mount -t tmpfs tmpfs /srv/old
      printf '# by hand\\ntmpfs /srv/old tmpfs defaults 0 0\\n' >/etc/fstab`,
    look: 'cat /etc/fstab',
    expected: '# by hand',
  },
  {
    step: unit({ name: 'pause', content: '[Service]\nExecStart=/usr/bin/sleep infinity\nNice=5\n' }),
    reset: `printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n' >/etc/systemd/system/pause.service
      systemctl daemon-reload; systemctl start pause`,
    look: 'systemctl show -p Nice --value pause; systemctl stop pause',
    expected: '5',
  },
  {
    step: timer({ name: 'lab-often', command: 'true', everyMs: 60_000 }),
    reset:
      'systemctl disable --now -q lab-often.timer 2>/dev/null || true; rm -f /etc/systemd/system/lab-often.*; systemctl daemon-reload',
    look: 'systemctl is-active lab-often.timer; systemctl is-enabled lab-often.timer',
    expected: 'active\nenabled',
  },
  {
    step: directory({
      path: '/srv/tree',
      purge: { except: ['kept'] },
      recursive: { owner: 'daemon', fileMode: 0o600 },
    }),
    reset: 'rm -rf /srv/tree; mkdir -p /srv/tree/gone; touch /srv/tree/kept /srv/tree/gone/x; chmod 700 /srv/tree',
    look: 'cd /srv/tree; find . -printf "%p %u %m\\n"',
    expected: '. root 755\n./kept daemon 600',
  },
]

test.each(cases)('$step.title: killed anywhere, the next run finishes it', async ({ step, reset, look, expected }) => {
  for (let kills = 1; ; kills++) {
    await sh(`${reset}\necho 0 >/run/lab-test/count; echo ${String(kills)} >/run/lab-test/kill-at`)
    const killed = await runSteps(node, [shimmed(step)])
    if (killed.summary.failed === 0) {
      // It was never killed: it has fewer programs than that, and more than none.
      expect(kills).toBeGreaterThan(1)
      return
    }
    expect(killed.summary.errors[0]?.message).toContain('137')
    const mended = await runSteps(node, [step])
    if (mended.summary.errors[0] !== undefined) throw mended.summary.errors[0]
    expect((await runSteps(node, [step], { mode: 'plan' })).outcomes[0]).toMatch(/: ok$/)
    if (look !== undefined) expect(await sh(look)).toBe(expected)
  }
})
