import OCI

/// The `prefix` of a `[[registry]]` table: which images it is about.
///
/// | prefix | matches |
/// |---|---|
/// | `example.com`, `example.com:5000` | all of that very host and port |
/// | `example.com/ns`, `example.com/ns/repo` | that repository and all below it |
/// | `example.com/repo:tag`, `example.com/repo@sha256:…` | that image |
/// | `*.example.com` | every host below it, at any port |
///
/// podman also lets `example.com` match `example.com:5000`, and says that nobody should rely on it:
/// it is another registry. Only where it is blocked, its ports are so, too.
///
/// Source: containers-registries.conf(5).
struct NamePrefix: Hashable, Sendable {
  /// As it is written, without slashes at its end, and with its host in lower case.
  let text: String

  /// - Returns: nil for what can be none.
  init?(_ text: String) {
    guard let text = Self.trimmed(text), !text.isEmpty else { return nil }
    if text.hasPrefix("*.") {
      guard text.count > 2, !text.dropFirst(2).contains(where: { "*/@:".contains($0) }) else {
        return nil
      }
    } else if text.contains("*") {
      return nil
    }
    self.text = text.withPlainHost
  }

  /// A place without slashes at its end; nil for a URL.
  static func trimmed(_ text: String) -> String? {
    var text = text
    while text.hasSuffix("/") { text.removeLast() }
    return text.contains("://") ? nil : text
  }

  /// Whether images of a name are among those that are blocked by this prefix: also at the ports of
  /// a host that is named without one, and where one of both has the port that goes without saying.
  func bans(_ reference: Reference) -> Bool {
    if rest(of: reference) != nil { return true }
    let host = text.prefix { $0 != "/" }
    guard !host.contains("*") else { return false }
    let (own, port) = Self.parts(host)
    let (other, otherPort) = Self.parts(reference.registry.lowercased()[...])
    guard own == other, port == nil || port == (otherPort ?? "443") else { return false }
    let below = text.dropFirst(host.count)
    return NamePrefix("\(reference.registry)\(below)")?.rest(of: reference) != nil
  }

  /// How much of a name it says: its length without a star or a port, and then whether it is about
  /// the very port.
  func exactness(for reference: Reference) -> [Int] {
    let host = text.prefix { $0 != "/" }
    let port = Self.parts(host).port.map { $0.count + 1 } ?? 0
    let star = text.hasPrefix("*") ? 1 : 0
    return [text.count - port - star, rest(of: reference) == nil ? 0 : 1]
  }

  /// A host and its port, where it has one.
  private static func parts(_ host: Substring) -> (Substring, port: Substring?) {
    guard let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") else { return (host, nil) }
    return (host[..<colon], host[host.index(after: colon)...])
  }

  /// The image's tag or digest, with its mark, where the prefix is about that alone; nil: it is about more.
  func end(of reference: Reference) -> String? {
    guard rest(of: reference)?.isEmpty == true else { return nil }
    let ends = [reference.tag.map { ":\($0)" }, reference.digest.map { "@\($0)" }]
    return ends.compactMap(\.self).first { text.hasSuffix($0) }
  }

  /// What of an image's name comes after the prefix.
  ///
  /// - Parameter reference: the image.
  /// - Returns: for example `/library/alpine`; nil where the prefix is not about it.
  func rest(of reference: Reference) -> String? {
    let registry = reference.registry.lowercased()
    let name = "\(registry)/\(reference.repository)"
    if text.hasPrefix("*.") {
      let host = registry.prefix { $0 != ":" }
      guard host.hasSuffix(text.dropFirst()), host.count > text.count - 1 else { return nil }
      return String(name.dropFirst(host.count))
    }
    if name.hasPrefix(text + "/") { return String(name.dropFirst(text.count)) }
    let whole = [
      name, reference.tag.map { "\(name):\($0)" }, reference.digest.map { "\(name)@\($0)" },
    ]
    return whole.contains(text) ? "" : nil
  }
}
