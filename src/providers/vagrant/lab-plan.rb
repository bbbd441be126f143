# What the Vagrantfile takes from lab.yml, and what was settled for machines that exist: they keep their addresses,
# whatever changes around them in the file.
require 'digest'
require 'ipaddr'
require 'json'
require 'pathname'
require 'socket'
require 'yaml'

# A lab as its directory describes it.
class LabPlan
  CLASSIC = [
    { 'name' => 'mgmt', 'roles' => %w[manager build edge] },
    { 'name' => 'node1', 'roles' => %w[worker registry logs] },
    { 'name' => 'node', 'count' => 2, 'start' => 2 }
  ].freeze
  # Addresses below this one are the gateway's and kept free, where there are enough.
  FIRST_HOST = 11
  # The system with its images, besides the volumes.
  SYSTEM_GIB = 20
  UNITS = { '' => 1, 'k' => 2**10, 'm' => 2**20, 'g' => 2**30, 't' => 2**40 }.freeze

  # One machine. What lab.yml no longer lists and still exists has nothing but its address.
  Node = Struct.new(:name, :address, :networks, :memory_bytes, :cpus, :disk_bytes, :edge_port) do
    # Of a virtual machine, which always has some.
    def memory_mib
      (memory_bytes || 2**30) / 2**20
    end

    def whole_cpus
      (cpus || 1).ceil
    end

    # How much of its processors' time a machine may use, in percent.
    def cpu_share
      ((cpus || 1) * 100.0 / whole_cpus).round
    end
  end

  # An address of a node on a network besides the lab's own.
  Further = Struct.new(:name, :subnet, :address) do
    def netmask
      LabPlan.netmask(subnet)
    end
  end

  def self.netmask(cidr)
    IPAddr.new('255.255.255.255').mask(cidr[%r{\d+\z}].to_i).to_s
  end

  attr_reader :nodes, :directory, :name

  def initialize(directory)
    @directory = Pathname.new(directory).realpath
    @file = YAML.safe_load(@directory.join('lab.yml').read, aliases: true) || {}
    @name = @file['name'] || default_name
    @settled = settle
    entries = listed.to_h { |entry| [entry['name'], entry] }
    @nodes = @settled['addresses'].map { |name, address| node_of(name, address, entries.fetch(name, {})) }
  end

  # As lab names what belongs to it.
  def id
    "#{name}-#{Digest::SHA256.hexdigest(directory.to_s)[0, 6]}"
  end

  # CIDR of the nodes.
  def subnet
    @settled['subnet']
  end

  def netmask
    LabPlan.netmask(subnet)
  end

  # The disk of a virtual machine, which those of lab.yml are files on; room is taken only as it is used.
  def disk_gib(node)
    ((bytes(@file.dig('volumes', 'poolSize') || '20GiB') + node.disk_bytes) / 2.0**30).ceil + SYSTEM_GIB
  end

  private

  # Stands beside Vagrant's own notes on the machines, and counts only for those that are there; while some are, also for
  # one that lab.yml has and that is made anew.
  def settle
    data = directory.join(ENV.fetch('VAGRANT_DOTFILE_PATH', '.vagrant'))
    path = data.join('lab.json')
    before = path.file? ? JSON.parse(path.read) : {}
    made = data.glob('machines/*/*/id').map { |id| id.dirname.dirname.basename.to_s }
    kept = before.fetch('addresses', {}).slice(*made)
    kept = before['addresses'].slice(*made, *listed.map { |entry| entry['name'] }) if kept.any?
    wished = @file['subnet'] || 'auto'
    now = { 'subnet' => kept.any? ? before['subnet'] : choose_subnet(wished, before['subnet']), 'addresses' => kept }
    listed.each { |entry| now['addresses'][entry['name']] ||= free_address(now) }
    networks = settle_networks(before.fetch('networks', {}), made, now)
    now['networks'] = networks if networks.any?
    write(path, "#{JSON.pretty_generate(now)}\n") if now != before
    now
  end

  # Networks besides the lab's own. A machine is on those that it was made with; what is to be made, on those of lab.yml,
  # with the number it has on the lab's own where that is to be had.
  def settle_networks(before, made, now)
    (further.keys | before.keys).each_with_object({}) do |name, all|
      kept = before.dig(name, 'addresses').to_h.slice(*made)
      joining = listed.select { |entry| Array(entry['networks']).include?(name) }.map { |entry| entry['name'] } - made
      next if kept.empty? && joining.empty?

      settled = { 'subnet' => before.dig(name, 'subnet'), 'addresses' => kept }
      others = [now['subnet'], *all.values.map { |each| each['subnet'] }]
      settled['subnet'] = choose_subnet(wished(name), settled['subnet'], name, others) if kept.empty?
      joining.each { |node| kept[node] = same_number(settled, now, node) || free_address(settled, 2) }
      all[name] = settled
    end
  end

  def further
    @file['networks'] || {}
  end

  def wished(name)
    further.dig(name, 'subnet') || 'auto'
  end

  def same_number(settled, now, node)
    number = IPAddr.new(now['addresses'][node]).to_i - IPAddr.new(now['subnet']).to_i
    network = IPAddr.new(settled['subnet'])
    return if number >= 2**(32 - network.prefix) - 1

    address = IPAddr.new(network.to_i + number, Socket::AF_INET).to_s
    address unless settled['addresses'].value?(address)
  end

  def write(path, text)
    path.dirname.mkpath
    draft = Pathname.new("#{path}.#{Process.pid}")
    draft.write(text)
    draft.rename(path)
  end

  def free_address(now, first = FIRST_HOST)
    network = IPAddr.new(now['subnet'])
    last = 2**(32 - network.prefix) - 2
    addresses = (first..last).chain(2...first).lazy.map { |host| IPAddr.new(network.to_i + host, Socket::AF_INET).to_s }
    addresses.find { |address| !now['addresses'].value?(address) }
  end

  def node_of(name, address, entry)
    edge = entry.fetch('roles', []).include?('edge')
    port = free_port(@file.dig('edge', 'port') || 8080) if edge
    networks = @settled.fetch('networks', {}).filter_map do |network, settled|
      there = settled['addresses'][name]
      Further.new(network, settled['subnet'], there) if there
    end
    disks = entry['disks'].to_h.values.sum { |size| bytes(size) }
    Node.new(name, address, networks, entry['memory'] && bytes(entry['memory']), entry['cpus'], disks, port)
  end

  # An entry with a count is that many nodes.
  def listed
    @listed ||= (@file['nodes'] || CLASSIC).flat_map do |entry|
      next [entry] unless entry['count']

      first = entry['start'] || 1
      Array.new(entry['count']) { |index| entry.merge('name' => "#{entry['name']}#{first + index}") }
    end
  end

  def choose_subnet(wished, before, name = nil, others = [])
    return wished unless wished == 'auto'

    named = [@file['subnet'], *further.values.map { |each| each && each['subnet'] }].compact - ['auto']
    taken = host_networks + (named + others).map { |cidr| IPAddr.new(cidr) }
    [before, *candidates([id, name].compact.join('-'))].compact.find { |cidr| taken.none? { |other| overlap?(IPAddr.new(cidr), other) } } or
      raise "no subnet is free for the nodes: name one in #{directory}/lab.yml, like subnet: 192.168.203.0/24"
  end

  # First those that VirtualBox gives host-only networks without being configured for others. Where to begin follows from
  # the lab's id (and the name of the network), so that labs made at the same moment seldom want the same one.
  def candidates(seed)
    start = Digest::SHA256.digest(seed).unpack1('n')
    prefix = [24, 32 - Math.log2((listed.size + 16) * 2).ceil].min
    step = 2**(24 - prefix)
    (0...8).step(step).map { |third| "192.168.#{56 + (third + start * step) % 8}.0/#{prefix}" } +
      (0...26).map { |second| "10.#{64 + (start + second) % 26}.#{start / 26 % 256 / step * step}.0/#{prefix}" }
  end

  # Every network this host reaches other than through its default route.
  def host_networks
    own = Socket.getifaddrs.select { |each| each.addr&.ipv4? && each.netmask }
    cidrs = own.map { |each| "#{each.addr.ip_address}/#{each.netmask.ip_address}" } + routes
    cidrs.map { |cidr| IPAddr.new(cidr) }.reject { |network| network.loopback? || network.prefix < 8 }
  end

  def routes
    IO.popen(%w[ip -4 route show table all], err: File::NULL, &:read).scan(%r{^(?:[a-z]+ )?(\d+(?:\.\d+){3}(?:/\d+)?)}).flatten
  rescue Errno::ENOENT
    [] # The interfaces have to do.
  end

  def overlap?(one, other)
    one.include?(other) || other.include?(one)
  end

  # The first port from the wished one on that nothing on the loopback listens on.
  def free_port(wished)
    (wished..65_535).find do |port|
      TCPServer.new('127.0.0.1', port).close
      true
    rescue Errno::EADDRINUSE
      false
    end
  end

  # Of a size such as 2GiB, 512M or 1073741824.
  def bytes(size)
    number, unit = size.to_s.match(/\A\s*([\d.]+)\s*([kmgt]?)/i).captures
    (number.to_f * UNITS.fetch(unit.downcase)).round
  end

  def default_name
    name = directory.basename.to_s.downcase.gsub(/[^a-z0-9]+/, '-')[0, 40].gsub(/\A-+|-+\z/, '')
    name.empty? ? 'lab' : name
  end
end
