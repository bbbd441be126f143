import { VOLUME_PATHS } from './paths.ts'

/**
 * The unit that tends a volume. Without the volume's lease it ends at once; a grant starts it, and each change of the orders
 * anew, however soon one follows another.
 */
export const TEND_UNIT = `# Written by lab.
[Unit]
Description=Replicas and scheduled snapshots of the volume %i
StartLimitIntervalSec=0
After=lab-volumes.service network.target docker.service
ConditionPathExists=${VOLUME_PATHS.orders}/%i

[Service]
ExecStart=${VOLUME_PATHS.tend} run %i
Restart=on-failure
RestartSec=5
TimeoutStopSec=10

[Install]
WantedBy=multi-user.target
`
