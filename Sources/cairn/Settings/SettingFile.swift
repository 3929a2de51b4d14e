import Disk
import FoundationEssentials
import Glibc
import OCI
import TOML
import Text

/// A file of settings.
struct SettingFile {
  let table: SettingTable
  let place: SettingPlaces.Place
  let home: String
  private(set) var entries: [SettingEntry] = []

  /// The most bytes of a file.
  private static let limit = 1 << 20

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - table: what can be set.
  ///   - place: where it is.
  ///   - home: what `~` is.
  ///   - warn: told why it is passed over.
  /// - Throws: `CommandFailure`: it cannot be read, or something in it is wrong.
  init(
    _ table: SettingTable, _ place: SettingPlaces.Place, home: String, warn: (String) -> Void
  ) throws {
    (self.table, self.place, self.home) = (table, place, home)
    guard let text = try text(warn) else { return }
    let document: TOMLTable
    do {
      document = try TOMLReader.read(text)
    } catch {
      throw failure(
        error.line,
        error.twice.map { "it has \"\($0.joined(separator: ".").shownSafely(limit: 100))\" twice" }
          ?? "this is no TOML")
    }
    try read(document, [])
  }

  private func text(_ warn: (String) -> Void) throws -> String? {
    let bytes: [UInt8]
    do {
      bytes = try InputFile.read(
        place.path, limit: Self.limit, pipes: place.isNamed ? .read : .refused, trust: place.trust)
    } catch {
      if !place.isNamed, [ENOENT, ENOTDIR].contains(error.code), error.reason == nil { return nil }
      // It is another user's, or in a home that this one may not even look into.
      let isHidden = !place.isNamed && error.code == EACCES && Files.info(place.path) == nil
      if isHidden || error.code == EPERM && error.reason != nil {
        warn("\(place.path) is not read: \(error.why)")
        return nil
      }
      throw CommandFailure(message: "the settings \(place.path): \(error.why)", kind: .usage)
    }
    guard let text = String(validatingOutside: bytes) else {
      throw CommandFailure(message: "the settings \(place.path): they are not UTF-8", kind: .usage)
    }
    return text
  }

  private func failure(_ line: Int?, _ words: String) -> CommandFailure {
    CommandFailure(message: "\(place.path):\(line.map { "\($0)" } ?? "?"): \(words)", kind: .usage)
  }

  /// Goes through a table and those in it.
  private mutating func read(_ table: TOMLTable, _ path: [String]) throws {
    for name in table.keys {
      guard let value = table[name] else { continue }
      let inner = path + [name]
      if let found = value.table, !isSetting(inner) {
        try read(found, inner)
      } else {
        try take(value, inner, line: table.line(of: name))
      }
    }
  }

  private func isSetting(_ path: [String]) -> Bool {
    let (registry, key) = Self.split(path)
    return table[key].map { registry == nil || $0.isOfRegistry } ?? false
  }

  /// The registry's name as it is written, and the key.
  private static func split(_ path: [String]) -> (registry: String?, key: String) {
    guard path.first == "registry", path.count > 1 else {
      return (nil, path.joined(separator: "."))
    }
    return (path[1], path.dropFirst(2).joined(separator: "."))
  }

  private mutating func take(_ value: TOMLValue, _ path: [String], line: Int?) throws {
    let (host, key) = Self.split(path)
    let registry = try host.map { try Self.registry($0, else: { failure(line, $0) }) }
    guard let setting = table[key], registry == nil || setting.isOfRegistry else {
      throw failure(
        line,
        path == ["registry"]
          ? "registries have tables: [registry.\"ghcr.io\"]"
          : table.complaint(key, isOfRegistry: host != nil))
    }
    guard let argument = setting.kind.argument(value) else {
      throw failure(line, "\(setting.key) takes \(setting.kind.words)")
    }
    entries.append(
      SettingEntry(
        setting: setting, registry: registry,
        value: setting.kind == .path ? absolute(argument) : argument,
        origin: .file(place, line: line ?? 0)))
  }

  /// The registry's name as references have it.
  private static func registry(_ name: String, else failure: (String) -> CommandFailure) throws
    -> String
  {
    guard let reference = try? Reference("\(name)/x/y:z"), reference.repository == "x/y" else {
      throw failure("\"\(name.shownSafely(limit: 100))\" is no registry's name")
    }
    return reference.registry
  }

  /// Paths in a file begin at its folder, whoever reads it from wherever.
  private func absolute(_ path: String) -> String {
    if path == "~" { return home }
    if path.begins(with: "~/"), let (_, rest) = path.cut(at: "/") { return "\(home)/\(rest)" }
    return path.begins(with: "/") ? path : "\(Files.parent(of: place.path))/\(path)"
  }
}
