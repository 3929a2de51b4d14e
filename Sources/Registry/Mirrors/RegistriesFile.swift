import OCI
import TOML

/// A `registries.conf` of podman, skopeo and buildah, in its second form.
///
/// What one `[[registry]]` table has wrong costs that table, with a warning: the others may block something.
struct RegistriesFile: Sendable, Equatable {
  /// Why a file cannot be used.
  struct Invalid: Error, CustomStringConvertible {
    /// What is wrong with it.
    let description: String
  }

  /// What a short name stands for; nil: what another file says does not count.
  typealias Alias = Reference?

  /// The `[[registry]]` tables, one for each prefix.
  private(set) var registries: [RegistryTable] = []
  /// Where images without a registry are looked for; nil: the file does not say.
  private(set) var searchRegistries: [String]?
  /// What is done with short names that mean several images; nil: the file does not say.
  private(set) var shortNameMode: ShortNameMode?
  /// What short names stand for.
  private(set) var aliases: [String: Alias] = [:]
  /// What is not as its author wanted it.
  private(set) var warnings: [String] = []

  private static let keys: Set<String> = [
    "registry", "unqualified-search-registries", "short-name-mode", "aliases",
    // These speak of credentials and of another program's store.
    "credential-helpers", "additional-layer-store-auth-helper",
  ]

  /// Reads a file's content.
  ///
  /// - Parameters:
  ///   - text: TOML.
  ///   - path: where it is from.
  /// - Throws: `Invalid` where it is no TOML.
  init(_ text: String, path: String = "") throws(Invalid) {
    let table: TOMLTable
    do {
      table = try TOMLReader.read(text)
    } catch {
      throw Invalid(description: "line \(error.line) is not TOML")
    }
    for key in table.keys where !Self.keys.contains(key) {
      let what =
        key == "registries"
        ? "version 1 of the format, [registries.…]," : key.shownSafely(limit: 60)
      warnings.append("\(what) is not supported and passed over")
    }
    readRegistries(table["registry"], path)
    readSearch(table["unqualified-search-registries"])
    readMode(table["short-name-mode"])
    readAliases(table["aliases"])
    let helpers = table["credential-helpers"]?.strings ?? []
    if helpers.contains(where: { $0 != "containers-auth.json" }) {
      warnings.append("credential-helpers is not supported and passed over")
    }
  }

  private mutating func readRegistries(_ value: TOMLValue?, _ path: String) {
    guard let value else { return }
    guard let entries = value.array else {
      warnings.append("registry is passed over: it is no array of tables ([[registry]])")
      return
    }
    for (number, entry) in entries.enumerated() {
      do throws(RegistryTable.Invalid) {
        guard let table = entry.table else { throw .init(reason: "it is no table") }
        let registry = try RegistryTable(table, source: path)
        warnings += registry.warnings
        // The first one counts, as with podman.
        if !registries.contains(where: { $0.prefix == registry.prefix }) {
          registries.append(registry)
        }
      } catch {
        warnings.append("[[registry]] number \(number + 1) is passed over: \(error.reason)")
      }
    }
  }

  private mutating func readSearch(_ value: TOMLValue?) {
    guard let value else { return }
    guard let names = value.strings else {
      warnings.append("unqualified-search-registries is passed over: it is no array of strings")
      return
    }
    searchRegistries = names.compactMap { name in
      let host = NamePrefix.trimmed(name)
      if let host, (try? Reference("\(host)/a"))?.registry == host { return host }
      warnings.append(
        "unqualified-search-registries: \"\(name.shownSafely(limit: 100))\" is no registry and passed over"
      )
      return nil
    }
  }

  private mutating func readMode(_ value: TOMLValue?) {
    guard let value, value.string != "" else { return }
    shortNameMode = value.string.flatMap { ShortNameMode(rawValue: $0) }
    if shortNameMode == nil {
      // The strictest: somebody wanted something other than the usual.
      shortNameMode = .enforcing
      warnings.append("short-name-mode is none of enforcing, permissive and disabled: enforcing")
    }
  }

  private mutating func readAliases(_ value: TOMLValue?) {
    guard let value else { return }
    guard let table = value.table else {
      warnings.append("aliases is passed over: it is no table")
      return
    }
    for name in table.keys {
      let shown = name.shownSafely(limit: 100)
      guard ShortName(name)?.repository == name, let text = table[name]?.string else {
        warnings.append("the alias \"\(shown)\" is passed over: it is no short name with a string")
        continue
      }
      guard !text.isEmpty else {
        aliases[name] = .some(nil)
        continue
      }
      // Neither a tag nor a digest, and the registry is part of it.
      guard ShortName(text) == nil, let target = try? Reference("\(text):latest"),
        target.tag == "latest", target.digest == nil
      else {
        warnings.append(
          "the alias \"\(shown)\" is passed over: it names no repository of a registry")
        continue
      }
      aliases[name] = .some(target)
    }
  }
}
