import OCI
import Text

/// The names of a page of tags, read out of its text without keeping anything else of it.
///
/// A page may have 16 MiB, of which a tree would make sixty times as much.
struct TagNames {
  /// Names, as they came; one more than a list may have at most.
  private(set) var names: [String] = []
  /// How many things stand where names should, and are none.
  private(set) var others = 0
  /// Whether something is called `tags`, whatever it is.
  var hasTags: Bool { source != nil }
  /// Whether what is called `tags` is neither a list nor nothing.
  private(set) var isNoList = false
  /// Whether something is called `name`.
  private(set) var hasName = false
  /// The member that `names` are of.
  private var source: String?

  /// - Parameter body: the page; a byte order mark before it is passed over.
  /// - Returns: nil for what is no object of JSON.
  init?(_ body: some Collection<UInt8>) {
    var reader = JSONReader(body.withoutByteOrderMark)
    guard reader.whole({ take(&$0) }) else { return nil }
  }

  private mutating func take(_ reader: inout JSONReader) -> Bool {
    reader.members { name, reader in
      guard let name = JSONString.content(name) else { return reader.pass() }
      switch name.lowercased() {
      case "name": hasName = true
      case "tags" where isBetter(name):
        source = name
        (names, others, isNoList) = ([], 0, false)
        if reader.kind == .list { return takeList(&reader) }
        let isRead = takeOther(&reader)
        (isNoList, others) = (others > 0, 0)
        return isRead
      default: break
      }
      return reader.pass()
    }
  }

  private mutating func takeList(_ reader: inout JSONReader) -> Bool {
    reader.elements { takeElement(&$0) }
  }

  private mutating func takeElement(_ reader: inout JSONReader) -> Bool {
    guard reader.kind == .scalar else { return takeOther(&reader) }
    guard let text = reader.scalar() else { return false }
    guard names.count <= TagPages.nameLimit else { return true }
    if let name = JSONString.content(text) { names.append(name) } else { others += 1 }
    return true
  }

  /// Something that is no name; null is nothing at all.
  private mutating func takeOther(_ reader: inout JSONReader) -> Bool {
    guard reader.kind == .scalar else {
      others += 1
      return reader.pass()
    }
    guard let text = reader.scalar() else { return false }
    if !text.elementsEqual("null".utf8) { others += 1 }
    return true
  }

  /// As `LooseJSON` chooses a member: the exact name, else the first in order; of equal ones the first.
  private func isBetter(_ name: String) -> Bool {
    guard let source, source != "tags" else { return source == nil }
    return name == "tags" || name < source
  }
}
