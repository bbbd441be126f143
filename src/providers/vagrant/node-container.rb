# A node as a container of Vagrant's docker provider: the image, privileges and settings that lab's own docker provider
# gives its nodes.
require 'open3'

# How the container of a node is run.
class NodeContainer
  # Bits of capabilities(7).
  CAPABILITIES = %w[
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
    NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
    SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
    MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ
  ].freeze
  SETTINGS = %w[
    --entrypoint=/bin/sh --cgroupns=private --userns=host --init=false --restart=unless-stopped
    --tmpfs=/run:rw,exec,nosuid,nodev,mode=755 --tmpfs=/run/lock:rw,noexec,nosuid,nodev,mode=1777
    --tmpfs=/tmp:rw,exec,nosuid,nodev,mode=1777
    --log-driver=json-file --log-opt=max-size=1m --log-opt=max-file=1
  ].freeze
  # What the node's engine holds, and what else of it must survive. Without names: they go with the container.
  VOLUMES = %w[/var/lib/docker /var/lib/lab].freeze
  # At the first boot: the key that Vagrant begins with, and exchanges at once, a host key, which lab exchanges, and the
  # file that Vagrant looks for its folders in.
  BOOT = [
    'touch /etc/fstab',
    '[ -e /root/.ssh/authorized_keys ] || echo "$FIRST_KEY" >/root/.ssh/authorized_keys',
    "[ -e /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -qt ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key",
    'exec env -u FIRST_KEY /usr/lib/lab/entrypoint'
  ].join('; ').freeze
  IMAGE_LOCK = Mutex.new

  # Name of the image; made now where it is missing, which takes minutes the first time. Once a process.
  def self.image(launcher)
    IMAGE_LOCK.synchronize do
      @image ||= ENV['LAB_NODE_IMAGE'] || Open3.capture2(launcher, '__node-image').then do |out, status|
        raise "#{launcher} could not make the image of the nodes; see above" unless status.success?

        out.strip
      end
    end
  end

  # As arguments of `docker run`.
  def self.arguments(plan, node)
    labels = { 'lab.id' => plan.id, 'lab.name' => plan.name, 'lab.directory' => plan.directory.to_s,
               'lab.node' => node.name, 'lab.address' => node.address }
    limits = []
    limits.push("--memory=#{node.memory_bytes}", "--memory-swap=#{node.memory_bytes}") if node.memory_bytes
    limits.push("--cpus=#{node.cpus}") if node.cpus
    SETTINGS + privileges + limits + labels.map { |key, value| "--label=#{key}=#{value}" }
  end

  # All of them; where the host itself lacks some, the engine refuses `--privileged`, and this is the same without those.
  def self.privileges
    missing = missing_capabilities
    return ['--privileged'] if missing.empty?

    %w[--cap-add=ALL --security-opt=seccomp=unconfined --security-opt=apparmor=unconfined
       --security-opt=systempaths=unconfined] + ['--device-cgroup-rule=a *:* rwm'] + missing.map { |name| "--cap-drop=#{name}" }
  end

  def self.missing_capabilities
    pid = File.file?('/var/run/docker.pid') ? File.read('/var/run/docker.pid').strip : 'self'
    set = File.read("/proc/#{pid}/status")[/^CapBnd:\s*(\h+)$/, 1].hex
    CAPABILITIES.reject.with_index { |_, bit| set[bit] == 1 }
  rescue SystemCallError
    [] # No such file off Linux, where the engine has a machine of its own.
  end
end
