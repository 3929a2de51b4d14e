/// A machine, as far as a pool size depends on it.
package struct MachineIdentity: Hashable, Sendable, Codable {
  /// Its host name.
  package var name: String
  /// CPUs that a pull may use: affinity and control group respected.
  package var cpus: Int
  /// Its operating system.
  package var os: String
  /// Its architecture.
  package var architecture: String

  /// Makes an identity.
  package init(name: String, cpus: Int, os: String, architecture: String) {
    self.name = name
    self.cpus = cpus
    self.os = os
    self.architecture = architecture
  }
}

/// Who answered for a registry the last time.
package struct RegistryServers: Sendable, Equatable {
  /// The host that served the blobs, after redirects.
  package var blobHost: String
  /// The URL where tokens are had; nil: none was named.
  package var tokenRealm: String?
  /// The registry's name there.
  package var tokenService: String?
}

/// A way from a machine to the host that serves a registry's blobs.
package struct PathIdentity: Hashable, Sendable, Codable {
  /// The registry's host, with its port where it has one.
  package var registry: String
  /// The host that served the blobs, after redirects.
  package var blobHost: String
  /// The network that the machine was in.
  package var network: String

  /// Makes an identity.
  package init(registry: String, blobHost: String, network: String) {
    self.registry = registry
    self.blobHost = blobHost
    self.network = network
  }
}
