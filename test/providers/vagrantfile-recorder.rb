# Stands in for Vagrant: runs the Vagrantfile in its first argument and prints, as JSON, what it asks for of each machine,
# by provider of Vagrant. Every provider's block is run, whether that provider is there or not.
require 'json'
require 'pathname'
require 'tmpdir'

# Notes every call on it and on what it returns, with its arguments.
class Recorder < BasicObject
  def initialize(path, calls)
    @path = path
    @calls = calls
  end

  def method_missing(name, *arguments, **options, &block)
    key = [@path, name.to_s.delete_suffix('=')].compact.join('.')
    given = options.empty? ? arguments : arguments + [options]
    # A block is what is asked for when its time comes: a machine's and a provider's now, a trigger's by nobody.
    return @calls << [key, given] unless given.empty? && block.nil?

    ::Recorder.new(key, @calls)
  end

  def respond_to_missing?(*)
    true
  end
end

# `config.vm` and a machine's `vm`: the ones with blocks of providers and machines in them.
class Machines < Recorder
  def vm
    self
  end

  def define(name)
    @calls << ['define', [name]]
    yield ::Machines.new(name, @calls)
  end

  def provider(name)
    prefix = "#{@path} #{name}"
    yield ::Recorder.new(prefix, @calls), ::Recorder.new("#{prefix} override", @calls)
  end
end

# What of Vagrant itself a Vagrantfile uses.
module Vagrant
  def self.require_version(*) end

  def self.source_root
    @source_root ||= Pathname.new(Dir.mktmpdir).tap do |root|
      root.join('keys').mkpath
      root.join('keys/vagrant.pub').write("ssh-rsa AAAA first\nssh-ed25519 BBBB second\n")
    end
  end

  def self.configure(_version)
    yield Machines.new(nil, CALLS)
  end
end

CALLS = []
load ARGV.fetch(0)
Vagrant.source_root.rmtree
puts JSON.generate(CALLS)
