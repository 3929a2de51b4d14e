import OCI
import TOML

/// A `registries.conf` of podman, skopeo and buildah, in its second form.
///
/// Whatever might block something and cannot be understood forbids what it may be about: a table its
/// images, a table that nobody can place, or a file that is no TOML, everything.
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
  /// Whether those are added to what files before say, from this file on; nil: the file does not say.
  private(set) var addsSearch: Bool?
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
  /// - Throws: `Invalid` where nobody knows what it blocks.
  init(_ text: String, path: String = "") throws(Invalid) {
    let table = try Self.table(text)
    for key in table.keys where !Self.keys.contains(key) {
      let isOld = key == "registries"
      if isOld, Self.blocksOfOld(table[key]?.table) {
        throw Invalid(
          description: "version 1 of the format, [registries.block], is not supported: "
            + "[[registry]] with blocked = true says the same")
      }
      let what = isOld ? "version 1 of the format, [registries.…]," : key.shownSafely(limit: 60)
      warnings.append("\(what) is not supported and passed over")
    }
    try readRegistries(table["registry"], path)
    readSearch(table["unqualified-search-registries"])
    readMode(table["short-name-mode"])
    readAliases(table["aliases"])
    let helpers = table["credential-helpers"]?.strings ?? []
    if helpers.contains(where: { $0 != "containers-auth.json" }) {
      warnings.append("credential-helpers is not supported and passed over")
    }
  }

  /// Whether version 1 of the format blocks something.
  private static func blocksOfOld(_ table: TOMLTable?) -> Bool {
    let block = try? table?.folded(to: ["block"])["block"]?.table?.folded(to: ["registries"])
    return block?["registries"]?.array?.isEmpty == false
  }

  private static func table(_ text: String) throws(Invalid) -> TOMLTable {
    let table: TOMLTable
    do {
      table = try TOMLReader.read(text)
    } catch {
      throw Invalid(description: "line \(error.line) is not TOML")
    }
    do {
      return try table.folded(to: keys.union(["registries"]))
    } catch {
      throw Invalid(description: "\(error.key) is there twice")
    }
  }

  private mutating func readRegistries(_ value: TOMLValue?, _ path: String) throws(Invalid) {
    guard let value else { return }
    guard let entries = value.array else {
      throw Invalid(description: "registry is no array of tables ([[registry]])")
    }
    for (number, entry) in entries.enumerated() {
      do throws(RegistryTable.Invalid) {
        guard let table = entry.table else { throw .init(reason: "it is no table") }
        let registry = try RegistryTable(table, source: path)
        warnings += registry.warnings
        // The first one counts, as with podman, unless one of both blocks.
        if let index = registries.firstIndex(where: { $0.prefix == registry.prefix }) {
          registries[index].meet(registry)
        } else {
          registries.append(registry)
        }
      } catch {
        let mayBlock = entry.table?.keys.contains { $0.lowercased() == "blocked" } ?? true
        let what = "[[registry]] number \(number + 1)"
        if mayBlock { throw Invalid(description: "\(what) may block something: \(error.reason)") }
        warnings.append("\(what) is passed over: \(error.reason)")
      }
    }
  }

  private mutating func readSearch(_ value: TOMLValue?) {
    guard let value else { return }
    // podman 6 has the table `{append = true}` among them.
    let marks = value.array?.compactMap(\.table) ?? []
    let adds = marks.compactMap { $0["append"]?.boolean }
    let names = value.array?.compactMap(\.string) ?? []
    guard names.count + adds.count == value.array?.count, marks.allSatisfy({ $0.keys.count == 1 })
    else {
      warnings.append("unqualified-search-registries is passed over: it is no array of strings")
      return
    }
    addsSearch = adds.last
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
