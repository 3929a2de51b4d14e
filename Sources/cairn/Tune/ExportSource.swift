import Disk
import FoundationEssentials
import Store
import History
import OCI

extension MachineIdentity {
  /// A number that tells this machine's exports from those of others, and nobody its name: of the
  /// system's own random number, by a hash that is for nothing else; nil: it has none.
  ///
  /// - Source: machine-id(5), which wants its number to be kept secret.
  var exportSource: String? {
    let places = ["/etc/machine-id", "/var/lib/dbus/machine-id"]
    let id = places.lazy.compactMap { try? InputFile.text($0, limit: 100) }
      .map { $0.filter(\.isHexDigit) }.first { $0.count == 32 }
    guard let id,
      let digest = try? FileHash.digest("cairn export \(id) \(name) \(cpus)".utf8, .sha256)
    else { return nil }
    return String(digest.hex.prefix(24))
  }
}
