import OCI
import TOML
import Transfer

/// A `[[registry]]` table of `registries.conf`.
struct RegistryTable: Sendable, Equatable {
  /// Why a table says nothing.
  struct Invalid: Error, Equatable {
    let reason: String
  }

  /// Which pulls a mirror is for.
  enum Use: String, Sendable {
    case all
    case digests = "digest-only"
    case tags = "tag-only"

    /// As with podman, the user's word counts: of a tag's image nothing comes from a mirror for digests.
    func includes(_ reference: Reference) -> Bool {
      switch self {
      case .all: true
      case .digests: reference.digest != nil
      case .tags: reference.digest == nil
      }
    }
  }

  /// A `[[registry.mirror]]` table.
  struct Mirror: Sendable, Equatable {
    /// `host[:port][/path]`.
    var location: String
    var access: ServerAccess
    var use: Use
  }

  /// Which images it is about.
  let prefix: NamePrefix
  /// Where they are, in place of the prefix; nil: where their names say.
  let location: String?
  /// How that is reached: whether certificates are checked (else plain HTTP may be spoken, too), and
  /// by which proxy.
  private(set) var access = ServerAccess()
  /// Nothing is fetched from there; from its mirrors it is.
  private(set) var isBlocked = false
  /// What it has wrong, so that nothing is fetched from there, nor from its mirrors: it may be meant
  /// to block.
  private(set) var problem: String?
  /// Why one that it stands in place of forbids the same.
  private var banBefore: String?
  /// Who is asked before, in this order.
  private(set) var mirrors: [Mirror] = []
  /// The file that has it.
  let source: String
  /// What is not as its author wanted it.
  private(set) var warnings: [String] = []

  private static let keys: Set<String> = [
    "prefix", "location", "insecure", "proxy", "blocked", "mirror", "mirror-by-digest-only",
  ]
  private static let mirrorKeys: Set<String> = [
    "location", "insecure", "proxy", "pull-from-mirror",
  ]

  /// Reads a table.
  ///
  /// - Parameters:
  ///   - table: of the file.
  ///   - source: the file's path.
  /// - Throws: `Invalid` where it is not clear what it is about.
  init(_ written: TOMLTable, source: String) throws(Invalid) {
    self.source = source
    let table = try Self.folded(written, Self.keys)
    let location = try Self.location(table)
    guard let text = try Self.text("prefix", table).flatMap({ $0.isEmpty ? nil : $0 }) ?? location
    else { throw Invalid(reason: "it has neither prefix nor location") }
    try Self.refuseUser(in: text, "prefix")
    let shown = text.shownSafely(limit: 100)
    guard let prefix = NamePrefix(text) else {
      throw Invalid(reason: "\"\(shown)\" is no prefix of images' names")
    }
    self.prefix = prefix
    self.location = location == prefix.text ? nil : location
    do throws(Invalid) {
      try readFlagsAndMirrors(table, shown)
    } catch {
      problem = error.reason
    }
  }

  /// Whether nothing may be fetched from there, and why: a clause.
  var ban: String? {
    let shown = prefix.text.shownSafely(limit: 100)
    if let problem {
      return "the table about \(shown) of \(source) cannot be understood (\(problem))"
    }
    return isBlocked ? "\(source) blocks \(shown)" : banBefore
  }

  /// The table in place of one of another file, which blocks what that blocks.
  func replacing(_ other: RegistryTable) -> RegistryTable {
    var table = self
    table.banBefore = other.ban
    return table
  }

  /// The same prefix stands there a second time.
  mutating func meet(_ other: RegistryTable) {
    if other.isBlocked != isBlocked { problem = "it is there twice, and blocked once" }
    problem = problem ?? other.problem
  }

  private mutating func readFlagsAndMirrors(_ table: TOMLTable, _ shown: String) throws(Invalid) {
    isBlocked = try Self.flag("blocked", table)
    access = try Self.access(table)
    let byDigestOnly = try Self.flag("mirror-by-digest-only", table)
    warnUnknown(table, Self.keys, shown)
    guard let value = table["mirror"] else { return }
    guard let entries = value.array else { throw Invalid(reason: "mirror is no array of tables") }
    for (number, entry) in entries.enumerated() {
      do throws(Invalid) {
        guard let table = entry.table else { throw Invalid(reason: "it is no table") }
        mirrors.append(try mirror(table, byDigestOnly, shown))
      } catch {
        warnings.append("\(shown): mirror number \(number + 1) is left out: \(error.reason)")
      }
    }
  }

  private mutating func mirror(_ written: TOMLTable, _ byDigestOnly: Bool, _ shown: String)
    throws(Invalid) -> Mirror
  {
    let table = try Self.folded(written, Self.mirrorKeys)
    guard let location = try Self.location(table) else {
      throw Invalid(reason: "it has no location")
    }
    warnUnknown(
      table, Self.mirrorKeys, "\(shown): mirror \(location.shownSafely(limit: 100))")
    var use = byDigestOnly ? Use.digests : .all
    if let text = try Self.text("pull-from-mirror", table), !text.isEmpty {
      guard !byDigestOnly else {
        throw Invalid(reason: "pull-from-mirror and mirror-by-digest-only exclude each other")
      }
      guard let named = Use(rawValue: text) else {
        throw Invalid(reason: "pull-from-mirror is none of all, digest-only and tag-only")
      }
      use = named
    }
    return Mirror(location: location, access: try Self.access(table), use: use)
  }

  private mutating func warnUnknown(_ table: TOMLTable, _ known: Set<String>, _ what: String) {
    for key in table.keys where !known.contains(key) {
      let words = "\(what): \(key.shownSafely(limit: 60)) is not supported and passed over"
      // One mirror may be there for tags and for digests.
      if !warnings.contains(words) { warnings.append(words) }
    }
  }

  // MARK: Values

  private static func folded(_ table: TOMLTable, _ keys: Set<String>) throws(Invalid) -> TOMLTable {
    do throws(TOMLTable.Twice) {
      return try table.folded(to: keys)
    } catch {
      throw Invalid(reason: "\(error.key) is there twice")
    }
  }

  private static func location(_ table: TOMLTable) throws(Invalid) -> String? {
    guard let text = try text("location", table), !text.isEmpty else { return nil }
    guard let location = NamePrefix.trimmed(text), !location.isEmpty else {
      throw Invalid(reason: "location is host[:port][/path], without a scheme")
    }
    try refuseUser(in: location, "location")
    return location
  }

  /// What stands before an `@` may be a password: it is neither asked for nor shown.
  private static func refuseUser(in text: String, _ key: String) throws(Invalid) {
    guard let sign = text.firstIndex(of: "@"),
      (try? Digest(String(text[text.index(after: sign)...]))) == nil
    else { return }
    throw Invalid(reason: "\(key) has a user: credentials belong in an auth file")
  }

  private static func access(_ table: TOMLTable) throws(Invalid) -> ServerAccess {
    var access = ServerAccess()
    access.skipsVerification = try flag("insecure", table)
    do throws(HostSettings.Invalid) {
      access.proxy = try HostSettings.proxy(table)
    } catch {
      throw Invalid(reason: error.reason)
    }
    return access
  }

  private static func text(_ key: String, _ table: TOMLTable) throws(Invalid) -> String? {
    guard let value = table[key] else { return nil }
    guard let text = value.string else { throw Invalid(reason: "\(key) is no string") }
    return text
  }

  private static func flag(_ key: String, _ table: TOMLTable) throws(Invalid) -> Bool {
    guard let value = table[key] else { return false }
    guard let flag = value.boolean else { throw Invalid(reason: "\(key) is not true or false") }
    return flag
  }
}
