import OCI
import Text

/// What the process was given, as text.
///
/// Names of files may be any bytes. What is no UTF-8 would become another name on its way through here, and
/// another file would be read or written; so it is refused. What it says is not shown: it may be a password.
enum GivenText {
  /// Variables that say where something is or how it is reached, beside our own.
  private static let names: Set<String> = [
    "HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME",
    "XDG_RUNTIME_DIR", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "CONTAINERS_REGISTRIES_CONF",
    "CONTAINERS_REGISTRIES_CONF_OVERRIDE", "REGISTRIES_CONFIG_PATH", "SSL_CERT_FILE",
    "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
  ]

  /// The arguments behind the program's name.
  ///
  /// - Parameter given: as the kernel has them; nil: it did not say.
  /// - Throws: `CommandFailure`: one is no UTF-8, or nobody knows what was given.
  static func arguments(_ given: [[UInt8]]?) throws(CommandFailure) -> [String] {
    guard let given else {
      throw CommandFailure(
        message: "the system does not say what was typed behind the program's name",
        kind: .internalFailure)
    }
    var texts: [String] = []
    for (number, bytes) in given.enumerated() {
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw refusal(of: option(bytes) ?? texts.last.flatMap(option) ?? "argument \(number + 1)")
      }
      texts.append(text)
    }
    return texts
  }

  /// Looks at the variables that count here.
  ///
  /// - Parameter variables: `NAME=value` each.
  /// - Throws: `CommandFailure`: one is no UTF-8.
  static func check(variables: [[UInt8]]) throws(CommandFailure) {
    for bytes in variables where String(validating: bytes, as: UTF8.self) == nil {
      let name = String(decoding: bytes.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
      if name.begins(with: "CAIRN_") || names.contains(name.uppercased()) {
        throw refusal(of: "the variable \(name.shownSafely(limit: 100))")
      }
    }
  }

  private static func option(_ bytes: [UInt8]) -> String? {
    guard bytes.contains(UInt8(ascii: "=")) else { return nil }
    return String(validating: bytes.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
      .flatMap(option)
  }

  private static func option(_ text: String) -> String? {
    text.begins(with: "-") && !text.has("=") ? text.shownSafely(limit: 100) : nil
  }

  private static func refusal(of what: String) -> CommandFailure {
    CommandFailure(message: "\(what) has bytes that are no UTF-8", kind: .usage)
  }
}
