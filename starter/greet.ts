import { playbook } from 'lab'
import { file } from 'lab/steps/file'

// Try it: lab run greet.ts --check --diff, then without; then again, and nothing changes.
export default playbook({
  name: 'Greetings',
  // Values for when lab.yml and --var set none; `lab run greet.ts --var greeting=hi` goes before all.
  vars: { greeting: 'hello' },
  plays: ({ varsOf }) => [
    {
      name: 'A word to everybody who logs in',
      hosts: 'greeters',
      steps: (node) => [file({ path: '/etc/motd', content: `${varsOf(node).greeting} to ${node.name}\n` })],
    },
  ],
})
