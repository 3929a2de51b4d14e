import FoundationEssentials
import Text

/// What keeps programs in Go, as docker, podman and skopeo are, from reading an image's configuration.
///
/// Nothing can be mended: a manifest names the configuration by its digest.
///
/// - Source: image-spec, "Image JSON"; Go's encoding/json and time.Time.
enum ConfigurationFlaw {
  /// What is wrong, as the end of a sentence; nil: nothing of this kind.
  static func words(_ data: Data) -> String? {
    if data.withoutByteOrderMark.count < data.count { return "begins with a byte order mark" }
    guard let tree = JSONTree(data) else { return nil }
    for name in ["architecture", "os", "variant", "author"] {
      if let value = tree[name], !value.isNull, value.string == nil {
        return "has something else than a string for \"\(name)\""
      }
    }
    let events = (tree["history"]?.elements ?? []).compactMap { $0["created"] }
    for time in [tree["created"]].compactMap(\.self) + events where !time.isNull {
      guard let text = time.string else { return "has something else than a time for \"created\"" }
      guard isTime(text) else {
        return "has \"\(text.shownSafely(limit: 40))\" for \"created\", which is no time"
      }
    }
    return nil
  }

  /// Whether Go reads a time of it: RFC 3339, and none of its liberties.
  static func isTime(_ text: String) -> Bool {
    let bytes = Array(text.utf8.prefix(longest + 1))
    guard bytes.count <= longest, bytes.count > 19 else { return false }
    for (place, mark) in [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")] {
      guard bytes[place] == mark.utf8.first else { return false }
    }
    guard let year = number(bytes[..<4]), let month = number(bytes[5..<7]),
      let day = number(bytes[8..<10]), let hour = number(bytes[11..<13]),
      let minute = number(bytes[14..<16]), let second = number(bytes[17..<19]),
      (1...12).contains(month), (1...days(of: month, year)).contains(day), hour < 24, minute < 60,
      second < 60
    else { return false }
    var rest = bytes[19...]
    if rest.first == UInt8(ascii: ".") {
      let digits = rest.dropFirst().prefix { isDigit($0) }
      guard !digits.isEmpty else { return false }
      rest = rest[digits.endIndex...]
    }
    return isZone(Array(rest))
  }

  /// The most bytes of a time: with more digits of a second than any clock has.
  private static let longest = 64

  private static func isZone(_ bytes: [UInt8]) -> Bool {
    if bytes == [UInt8(ascii: "Z")] { return true }
    guard bytes.count == 6, bytes[3] == UInt8(ascii: ":"),
      [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(bytes[0]),
      let hours = number(bytes[1..<3]), let minutes = number(bytes[4..<6])
    else { return false }
    return hours < 24 && minutes < 60
  }

  private static func days(of month: Int, _ year: Int) -> Int {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
    digits.allSatisfy(isDigit) ? digits.reduce(0) { $0 * 10 + Int($1 - 0x30) } : nil
  }
}
