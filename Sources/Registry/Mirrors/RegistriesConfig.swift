import OCI
import Transfer

/// All `registries.conf` files together: what a later one says counts.
///
/// `[[registry]]` tables with the same prefix replace each other whole, aliases name by name,
/// everything else as it is, unless it says that it is to be added. But what one of them blocks
/// stays blocked: two generations of podman read other files, and in another order.
///
/// Source: containers-registries.conf.d(5).
struct RegistriesConfig: Sendable, Equatable {
  /// Something with the file that says it.
  struct Sourced<Value: Sendable & Equatable>: Sendable, Equatable {
    var value: Value
    var source: String
  }

  private(set) var registries: [NamePrefix: RegistryTable] = [:]
  /// The same with the files of which only what they block counts.
  private var blocking: [NamePrefix: RegistryTable] = [:]
  private(set) var searchRegistries: Sourced<[String]>?
  private var addsSearch = false
  private(set) var shortNameMode = ShortNameMode.permissive
  private(set) var aliases: [String: Sourced<RegistriesFile.Alias>] = [:]

  /// Nothing is said about anything.
  init() {}

  /// Adds a file to those before it.
  ///
  /// - Parameters:
  ///   - file: its content.
  ///   - path: where it is.
  ///   - onlyBlocks: whether nothing of it counts but what it blocks.
  mutating func add(_ file: RegistriesFile, path: String, onlyBlocks: Bool = false) {
    for table in file.registries { Self.put(table, into: &blocking) }
    guard !onlyBlocks else { return }
    for table in file.registries { Self.put(table, into: &registries) }
    addsSearch = file.addsSearch ?? addsSearch
    if let names = file.searchRegistries {
      let before = addsSearch ? searchRegistries?.value ?? [] : []
      searchRegistries = Sourced(
        value: before + names.filter { !before.contains($0) }, source: path)
    }
    if let mode = file.shortNameMode { shortNameMode = mode }
    addAliases(of: file, path: path)
  }

  /// Adds a file that has nothing but aliases: podman's own notes.
  mutating func addAliases(of file: RegistriesFile, path: String) {
    for (name, target) in file.aliases { aliases[name] = Sourced(value: target, source: path) }
  }

  private static func put(_ table: RegistryTable, into tables: inout [NamePrefix: RegistryTable]) {
    tables[table.prefix] = tables[table.prefix].map(table.replacing) ?? table
  }

  /// The table about an image: that with the longest prefix.
  func table(for reference: Reference) -> (table: RegistryTable, rest: String)? {
    registries.values.compactMap { table in
      table.prefix.rest(of: reference).map { (table: table, rest: $0) }
    }.max { $0.table.prefix.text.count < $1.table.prefix.text.count }
  }

  /// Why an image may be fetched from nowhere but mirrors: by the table about it, or by one that
  /// forbids more than podman's manual has its prefix name; the most exact of them has the last word.
  private func ban(of reference: Reference) -> String? {
    Self.ban(of: reference, registries) ?? Self.ban(of: reference, blocking)
  }

  private static func ban(of reference: Reference, _ tables: [NamePrefix: RegistryTable])
    -> String?
  {
    tables.values.filter {
      $0.prefix.rest(of: reference) != nil || $0.ban != nil && $0.prefix.bans(reference)
    }.max {
      $0.prefix.exactness(for: reference)
        .lexicographicallyPrecedes($1.prefix.exactness(for: reference))
    }?.ban
  }

  // MARK: Endpoints

  /// Who is asked for an image.
  ///
  /// - Parameters:
  ///   - reference: the image.
  ///   - plainHTTP: speak plain HTTP with its registry.
  /// - Returns: nil where no table is about it.
  /// - Throws: `EndpointPlan.Refused` where nobody may be asked.
  func plan(for reference: Reference, plainHTTP: Bool) throws(EndpointPlan.Refused)
    -> EndpointPlan?
  {
    guard let (table, rest) = table(for: reference) else {
      if let ban = ban(of: reference) { throw Self.forbidden(reference, ban) }
      return nil
    }
    if table.problem != nil, let ban = table.ban { throw Self.forbidden(reference, ban) }
    var plan = EndpointPlan(endpoints: [], source: table.source)
    for mirror in table.mirrors where mirror.use.includes(reference) {
      guard let there = Self.moved(reference, rest, to: mirror.location, from: table.prefix),
        var endpoint = Self.endpoint(there, for: reference, mirror.access, table)
      else {
        plan.warnings.append(Self.warning(mirror.location, reference, table))
        continue
      }
      if let ban = ban(of: there) {
        plan.warnings.append(
          "the mirror \(mirror.location.shownSafely(limit: 100)) is left out: \(ban)")
        continue
      }
      endpoint.isRegistry = false
      plan.endpoints.append(endpoint)
    }
    try addOwn(reference, rest, table, plainHTTP, to: &plan)
    return plan
  }

  private func addOwn(
    _ reference: Reference, _ rest: String, _ table: RegistryTable, _ plainHTTP: Bool,
    to plan: inout EndpointPlan
  ) throws(EndpointPlan.Refused) {
    var there: Reference? = reference
    if let location = table.location {
      there = Self.moved(reference, rest, to: location, from: table.prefix)
    }
    guard let there,
      let endpoint = Self.endpoint(
        there, for: reference, table.access, plainHTTP: plainHTTP, table)
    else {
      throw EndpointPlan.Refused(
        message: Self.warning(table.location ?? reference.registry, reference, table))
    }
    // What a name was moved to may have a table of its own.
    if let ban = ban(of: reference) ?? ban(of: there) {
      plan.blocks = ban
      guard plan.endpoints.isEmpty else { return }
      throw Self.forbidden(reference, ban)
    }
    plan.endpoints.append(endpoint)
  }

  private static func forbidden(_ reference: Reference, _ ban: String) -> EndpointPlan.Refused {
    EndpointPlan.Refused(message: "pulling \(reference) is forbidden: \(ban)")
  }

  private static func warning(
    _ location: String, _ reference: Reference, _ table: RegistryTable
  ) -> String {
    let place = location.shownSafely(limit: 100)
    if let end = table.prefix.end(of: reference), !location.hasSuffix(end) {
      return
        "\(table.source): the location \"\(place)\" of the prefix \"\(table.prefix.text.shownSafely(limit: 100))\" "
        + "has to end in \"\(end)\", too"
    }
    return "\(table.source): at \(place) there can be no \(reference.repository)"
  }

  /// The image of that name at another place; nil where there can be none.
  private static func moved(
    _ reference: Reference, _ rest: String, to location: String, from prefix: NamePrefix
  ) -> Reference? {
    var place = location
    // A table about one tag or digest names the same one there, which is what the request is for anyway.
    if let end = prefix.end(of: reference) {
      guard place.hasSuffix(end) else { return nil }
      place.removeLast(end.count)
    }
    let text = place + rest
    guard let there = try? Reference(text + ":x"), there.tag == "x", there.digest == nil,
      ShortName(text) == nil
    else { return nil }
    return there
  }

  private static func endpoint(
    _ there: Reference, for reference: Reference, _ access: ServerAccess, plainHTTP: Bool = false,
    _ table: RegistryTable
  ) -> Endpoint? {
    guard var endpoint = try? Endpoint(of: there, plainHTTP: plainHTTP) else { return nil }
    if there.registry != reference.registry { endpoint.registry = there.registry }
    if there.repository != reference.repository { endpoint.repository = there.repository }
    endpoint.access = access
    if access.skipsVerification, endpoint.origin.scheme == "https" {
      endpoint.allowsPlainFallback = true
    }
    endpoint.source = table.source
    return endpoint
  }

  // MARK: Short names

  /// The images that a short name may mean.
  ///
  /// - Parameter name: the name.
  /// - Throws: `ShortNames.Unresolved`.
  func images(named name: ShortName) throws(ShortNames.Unresolved) -> ShortNames {
    if let alias = aliases[name.repository], let target = alias.value {
      let text = "\(target.registry)/\(target.repository)\(name.suffix)"
      return ShortNames(
        references: [try Self.reference(text)], because: "an alias of \(alias.source)")
    }
    guard let search = searchRegistries, !search.value.isEmpty else {
      throw ShortNames.Unresolved(
        reason: "no file has an alias \"\(name.repository.shownSafely(limit: 100))\", "
          + "and unqualified-search-registries are not given")
    }
    var references: [Reference] = []
    for registry in search.value {
      references.append(try Self.reference("\(registry)/\(name.repository)\(name.suffix)"))
    }
    if references.count > 1, shortNameMode == .enforcing {
      let list = references.map(\.description).joined(separator: ", ")
      throw ShortNames.Unresolved(
        reason: "it may mean any of \(list), and short-name-mode is enforcing: name one of them")
    }
    return ShortNames(
      references: references, because: "unqualified-search-registries of \(search.source)")
  }

  private static func reference(_ text: String) throws(ShortNames.Unresolved) -> Reference {
    do {
      return try Reference(text)
    } catch {
      throw ShortNames.Unresolved(reason: "\(error)")
    }
  }
}
