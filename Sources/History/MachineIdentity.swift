/// A machine, as far as a pool size depends on it.
public struct MachineIdentity: Hashable, Sendable, Codable {
  /// Its host name.
  public var name: String
  /// CPUs that a pull may use: affinity and control group respected.
  public var cpus: Int
  /// Its operating system.
  public var os: String
  /// Its architecture.
  public var architecture: String

  /// Makes an identity.
  public init(name: String, cpus: Int, os: String, architecture: String) {
    self.name = name
    self.cpus = cpus
    self.os = os
    self.architecture = architecture
  }
}

/// Who answered for a registry the last time.
public struct RegistryServers: Sendable, Equatable {
  /// The host that served the blobs, after redirects.
  public var blobHost: String
  /// The URL where tokens are had; nil: none was named.
  public var tokenRealm: String?
  /// The registry's name there.
  public var tokenService: String?
}

/// A way from a machine to the host that serves a registry's blobs.
public struct PathIdentity: Hashable, Sendable, Codable {
  /// The registry's host, with its port where it has one.
  public var registry: String
  /// The host that served the blobs, after redirects.
  public var blobHost: String
  /// The network that the machine was in.
  public var network: String

  /// Makes an identity.
  public init(registry: String, blobHost: String, network: String) {
    self.registry = registry
    self.blobHost = blobHost
    self.network = network
  }
}
