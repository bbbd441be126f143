// What a playbook may use on this machine (`lab/local`): the parts of zx that leave the process lab runs in as it is.
export { $, glob, ProcessOutput, within } from 'zx'
