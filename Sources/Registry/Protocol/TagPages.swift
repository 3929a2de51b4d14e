import OCI
import Transfer

/// Gathers the pages of a list of tags, within bounds.
///
/// - Source: OCI distribution specification 1.1, "Listing Tags"; RFC 8288 for `Link`.
struct TagPages {
  /// One page.
  struct Page: Sendable, Equatable {
    /// Names, as they came.
    var names: [String]
    /// The query of the next page; nil: this is the last.
    var next: String?

    /// - Parameters:
    ///   - body: the body.
    ///   - fields: of the response.
    /// - Returns: nil for what is no list of tags.
    init?(_ body: some Collection<UInt8>, _ fields: HTTPFields) {
      // A repository without tags has null, or nothing, in their place.
      guard let found = TagNames(body), found.hasTags || found.hasName else { return nil }
      names = found.names
      next = TagPages.next(fields)
    }
  }

  /// The query of the link that is called `next`; nil: there is none.
  static func next(_ fields: HTTPFields) -> String? {
    fields.values("link").lazy.compactMap(query).first
  }

  /// A link without `<>` or without any `rel` is one, too: in the answer to a list it can mean nothing else.
  private static func query(_ field: String) -> String? {
    for link in field.split(separator: ",<").flatMap({ $0.split(separator: ", <") }) {
      let end = link.firstIndex { $0 == ">" } ?? link.firstIndex(of: ";") ?? link.endIndex
      guard isNext(link[end...]) else { continue }
      let target = link[..<end].drop { $0 == "<" || $0.isWhitespace }
      guard let question = target.firstIndex(of: "?") else { return nil }
      let query = target[target.index(after: question)...].prefix { $0 != "#" && !$0.isWhitespace }
      guard query.utf8.count <= TagPages.queryBytes else { return nil }
      // Whose images a mirror is asked for, we say ourselves.
      let parts = query.split(separator: "&").filter { !$0.hasPrefix("ns=") }
      return parts.isEmpty ? nil : parts.joined(separator: "&")
    }
    return nil
  }

  /// Whether a link's parameters call it the next page's, among others; where they do not say, it is.
  private static func isNext(_ parameters: Substring) -> Bool {
    let relations = parameters.lowercased().split(separator: ";").compactMap { word in
      let pair = word.split(separator: "=", maxSplits: 1)
      guard pair.count == 2, pair[0].filter({ !$0.isWhitespace && $0 != ">" }) == "rel" else {
        return nil as [Substring]?
      }
      return pair[1].split { $0.isWhitespace || $0 == "\"" || $0 == "'" }
    }
    return relations.first?.contains("next") ?? true
  }

  /// Pages that a list may have.
  static let pageLimit = 10_000
  /// Names that a list may have: ten times what the largest registries let one repository have, and
  /// 64 MiB for whoever reads them.
  static let nameLimit = 1 << 20
  /// Bytes that all names may have.
  static let byteLimit = 64 << 20
  /// Empty pages that a list may have one after the other: what a caller may not see is left out.
  static let emptyLimit = 20
  /// Bytes of one page: servers may send all tags at once.
  static let pageBytes = 16 << 20
  /// Bytes that the query of a link may have.
  private static let queryBytes = 4_096
  /// Asks for as many as the server likes to send; some refuse to be asked for more than that.
  private static let first = ""

  private(set) var list = RepositoryClient.TagList()
  /// The query of the page to ask for; nil: there is none left.
  private(set) var next: String? = first
  private var seen: Set<String> = []
  private var asked: Set<String> = [first]
  private var bytes = 0
  private var emptyPages = 0

  /// Takes in the page that was asked for.
  ///
  /// - Returns: why the list is given up; nil: it is not.
  mutating func take(_ page: Page) -> String? {
    let before = seen.count
    for name in page.names where seen.insert(name).inserted {
      bytes += name.utf8.count
      if Reference.isTag(name) { list.tags.append(name) } else { list.passedOver += 1 }
    }
    guard max(seen.count, page.names.count) <= Self.nameLimit else {
      return "it has more than \(Self.nameLimit) names"
    }
    guard bytes <= Self.byteLimit else {
      return "the names have more than \(Self.byteLimit >> 20) MiB"
    }
    next = page.next
    guard let following = page.next else { return nil }
    guard asked.insert(following).inserted, page.names.isEmpty || seen.count > before else {
      return "its pages lead in a circle"
    }
    emptyPages = page.names.isEmpty ? emptyPages + 1 : 0
    guard emptyPages <= Self.emptyLimit else { return "\(emptyPages) pages in a row are empty" }
    guard asked.count <= Self.pageLimit else { return "it has more than \(Self.pageLimit) pages" }
    return nil
  }
}
