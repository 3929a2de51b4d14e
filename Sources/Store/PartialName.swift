package import OCI
import Text

/// The names of a blob's files while it is on its way.
///
/// The plain ones outlive a download: the next one goes on there, and other processes look at them. What
/// is not verified is shared by that, so whoever may not share it has files of his own, which go with him.
package struct PartialName: Hashable, Sendable {
  /// Whose content it is to be.
  package let digest: Digest
  /// What tells files of somebody's own from others; nil: the plain ones.
  private let mark: UInt64?

  /// Those that outlive a download.
  package init(_ digest: Digest) { (self.digest, mark) = (digest, nil) }

  private init(_ digest: Digest, mark: UInt64) { (self.digest, self.mark) = (digest, mark) }

  /// Those of one download alone, which no other has.
  package static func apart(_ digest: Digest) -> PartialName {
    PartialName(digest, mark: UInt64.random(in: 0 ... .max))
  }

  /// Whether they are one download's alone.
  package var isApart: Bool { mark != nil }

  private static let (dataEnd, mapEnd) = (".partial", ".map")

  private var stem: String {
    let plain = "\(digest.algorithm.rawValue)-\(digest.hex)"
    return mark.map { "\(plain).\(String($0, radix: 36))" } ?? plain
  }

  /// The name of the file with its bytes.
  var data: String { stem + Self.dataEnd }
  /// The name of its resume map.
  var map: String { stem + Self.mapEnd }

  /// Whether a name is of a file with bytes.
  static func isData(_ name: String) -> Bool { name.ends(with: dataEnd) }

  /// The digest that plain names are of; nil where they are no plain name of that kind.
  static func digest(ofData name: String) -> Digest? { digest(of: name, dataEnd) }

  /// The same by the name of a resume map.
  static func digest(ofMap name: String) -> Digest? { digest(of: name, mapEnd) }

  private static func digest(of name: String, _ end: String) -> Digest? {
    guard name.ends(with: end), let (algorithm, rest) = name.cut(at: "-") else { return nil }
    return try? Digest("\(algorithm):\(rest.dropLast(end.count))")
  }
}
