import OCI
import Text
import Transfer

/// Gathers the pages of a list of tags, within bounds.
///
/// - Source: OCI distribution specification 1.1, "Listing Tags"; RFC 8288 for `Link`.
struct TagPages {
  /// One page.
  struct Page: Sendable, Equatable {
    /// Names, as they came.
    var names: [String]
    /// How many things were listed that are no names at all.
    var others = 0
    /// The page that follows; nil: this is the last.
    var next: Next?

    /// - Parameters:
    ///   - body: the body.
    ///   - fields: of the response.
    /// - Returns: nil for what is no list of tags.
    init?(_ body: some Collection<UInt8>, _ fields: HTTPFields) {
      // A repository without tags has null, or nothing, in their place.
      guard let found = TagNames(body), found.hasTags || found.hasName, !found.isNoList else {
        return nil
      }
      names = found.names
      others = found.others
      next = TagPages.next(fields)
    }
  }

  /// Where the page that follows is.
  enum Next: Sendable, Equatable {
    /// What stands behind the list's own path, as URLs have it: a query, a path, or both.
    case behind(String)
    /// Somewhere that is not gone to, so that the list is not whole; why.
    case lost(String)
  }

  /// What the link that is called `next` leads to; nil: there is none.
  ///
  /// - Parameters:
  ///   - fields: of a page.
  ///   - list: the list's path below the repository.
  static func next(_ fields: HTTPFields, of list: String = "/tags/list") -> Next? {
    for link in fields.values("link").flatMap(LinkField.links) {
      // A link without any relation is one, too: in the answer to a list it can mean nothing else.
      guard link.relations?.contains("next") ?? true else { continue }
      if let next = next(link.target, of: list, isCalledNext: link.relations != nil) { return next }
    }
    return nil
  }

  private static func next(_ target: String, of list: String, isCalledNext: Bool) -> Next? {
    let bare = Substring(target.utf8.prefix { $0 != UInt8(ascii: "#") })
    // What has no query and no name may be about anything.
    guard isCalledNext || bare.utf8.contains(UInt8(ascii: "?")) else { return nil }
    guard bare.utf8.count <= linkBytes else {
      return .lost("the link to the next page has more than \(linkBytes) bytes")
    }
    guard let target = written(bare) else {
      return .lost("the link to the next page has bytes that no URL has")
    }
    let path = target.prefix { $0 != "?" && $0 != " " }
    // Whose images a mirror is asked for, we say ourselves.
    let query = NamespaceField.removed(from: target.dropFirst(path.count + 1))
      .joined(separator: "&").split(separator: " ").joined(separator: "%20")
    let behind = path.ranges(of: list + "/").last.map { path[$0.upperBound...] } ?? ""
    if behind.isEmpty, query.isEmpty {
      guard isCalledNext else { return nil }
      guard path.hasSuffix(list) else { return .lost("the link to the next page is to no list") }
    }
    let plain = behind.lowercased().replacing("%2e", with: ".")
    let parts = plain.split(separator: "/")
    // Some servers take `%2f` and `%5c` for what parts a path.
    guard !parts.contains("."), !parts.contains(".."), !plain.contains("%2f"),
      !plain.contains("%5c")
    else {
      return .lost("the link to the next page leads out of the list")
    }
    return .behind((behind.isEmpty ? "" : "/" + behind) + (query.isEmpty ? "" : "?" + query))
  }

  /// A target in ASCII, as whoever is asked reads it, but for spaces between its words.
  ///
  /// - Returns: nil for what is no URL: control characters, and what was no UTF-8 when it came.
  private static func written(_ target: Substring) -> String? {
    guard !target.unicodeScalars.contains("\u{FFFD}") else { return nil }
    let words = target.utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    let written = words.compactMap { try? RemoteURL.escaped(Substring($0)) }
    return written.count == words.count ? written.joined(separator: " ") : nil
  }

  /// Pages that a list may have.
  static let pageLimit = 10_000
  /// Names that a page brings on an average, where there are more pages than any list should need: each
  /// of them is a request, which takes time.
  static let leastNames = 10
  /// Pages from which on that counts.
  static let fullPages = 1_000
  /// Names that a list may have: ten times what the largest registries let one repository have, and
  /// 64 MiB for whoever reads them.
  static let nameLimit = 1 << 20
  /// Bytes that all names may have.
  static let byteLimit = 64 << 20
  /// Pages without a new name that a list may have one after the other: what a caller may not see is
  /// left out, and some servers send a page twice.
  static let emptyLimit = 20
  /// Bytes of one page: servers may send all tags at once.
  static let pageBytes = 16 << 20
  /// Bytes that a link may have: cursors of some servers hold a whole state.
  private static let linkBytes = 16 << 10
  /// Asks for as many as the server likes to send; some refuse to be asked for more than that.
  private static let first = ""

  private(set) var list = RepositoryClient.TagList()
  /// What stands behind the list's path in the page to ask for; nil: there is none left.
  private(set) var next: String? = first
  private var seen: Set<ExactText> = []
  /// Hashes of what was asked for: links may be long, and many.
  private var asked: Set<Int> = [first.hashValue]
  private var bytes = 0
  private var pages = 0
  /// Whether a page came.
  var hasBegun: Bool { pages > 0 }
  private var idlePages = 0

  /// Takes in the page that was asked for.
  ///
  /// - Returns: why the list is given up; nil: it is not.
  mutating func take(_ page: Page) -> String? {
    let before = seen.count
    for name in page.names where seen.insert(name.exact).inserted {
      bytes += name.utf8.count
      if Reference.isTag(name) { list.tags.append(name) } else { list.passedOver += 1 }
    }
    list.passedOver += page.others
    guard max(seen.count, page.names.count) <= Self.nameLimit else {
      return "it has more than \(Self.nameLimit) names"
    }
    guard bytes <= Self.byteLimit else {
      return "the names have more than \(Self.byteLimit >> 20) MiB"
    }
    pages += 1
    idlePages = seen.count > before ? 0 : idlePages + 1
    return follow(page.next)
  }

  private mutating func follow(_ link: Next?) -> String? {
    let here = next
    next = nil
    switch link {
    case nil: return nil
    case .lost(let reason): return reason
    case .behind(let following):
      // Asking for the same again brings the same; some servers send their last link with the last page.
      guard following != here || idlePages == 0 else {
        list.endsInItself = true
        return nil
      }
      guard following == here || asked.insert(following.hashValue).inserted else {
        return "its pages lead in a circle"
      }
      guard idlePages <= Self.emptyLimit else {
        return "\(idlePages) pages in a row bring nothing new"
      }
      guard pages < Self.fullPages || seen.count >= pages * Self.leastNames else {
        return "\(pages) pages bring fewer than \(Self.leastNames) names each"
      }
      guard pages < Self.pageLimit else { return "it has more than \(Self.pageLimit) pages" }
      next = following
      return nil
    }
  }
}
