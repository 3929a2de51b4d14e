import Disk
import OCI
import Text

/// Which bytes of a partial blob are on disk: the text of the journal beside it.
///
/// The journal is lines, each ending in a checksum of its own, appended after the bytes they speak of
/// were written:
/// ```
/// cairn-resume 1 sha256:… 1048576 5f0c…    format, digest, size, boot id
/// + 0 524288                               these bytes were written
/// = 0 262144                               these bytes were synced to the disk
/// ```
/// A line that a crash cut ends the reading. Written bytes survive the end of a process but not of
/// the machine, so after a reboot (another boot id) only the synced ones count. Whatever the journal
/// claims, a blob is published only when its digest holds.
struct ResumeMap: Equatable {
  let digest: Digest
  let size: Int64
  let bootID: String
  var written = RangeSet<Int64>()
  var synced = RangeSet<Int64>()

  static let format = "cairn-resume 1"
  /// Bytes of a journal that is read.
  private static let longest: Int64 = 16 << 20

  init(digest: Digest, size: Int64, bootID: String) {
    self.digest = digest
    self.size = size
    self.bootID = bootID
  }

  /// What the journal of a data file says now, as far as it can be relied on; nothing where there is
  /// none, or one of another blob.
  ///
  /// - Parameters:
  ///   - descriptor: the blob.
  ///   - name: what its files are called.
  ///   - folder: where they are.
  ///   - length: the data file's.
  ///   - bootID: the present boot of this machine.
  init(
    of descriptor: Descriptor, as name: PartialName, in folder: Folder, length: Int64,
    bootID: String
  ) {
    self.init(digest: descriptor.digest, size: descriptor.size, bootID: bootID)
    guard let bytes = try? folder.read(name.map, limit: Self.longest),
      let known = ResumeMap(parsing: String(outside: bytes), digest: digest, size: size)
    else { return }
    written = known.usable(bootID: bootID)
    // The file may be shorter than the map claims.
    written.remove(contentsOf: length..<Int64.max)
    synced = known.synced.intersection(written)
  }

  /// Reads a journal; nil when it is not one, or one of another blob.
  ///
  /// - Parameters:
  ///   - text: the journal's content, perhaps cut anywhere.
  ///   - digest: of the blob that it must be about.
  ///   - size: of that blob.
  init?(parsing text: String, digest: Digest, size: Int64) {
    var lines = text.parts(at: "\n", keepingEmpty: true).makeIterator()
    guard let header = lines.next().flatMap({ Self.checked($0) }) else { return nil }
    let words = header.parts(at: " ")
    guard words.count == 5, words[0...1].joined(separator: " ") == Self.format,
      words[2] == digest.description, Int64(words[3]) == size
    else { return nil }
    self.init(digest: digest, size: size, bootID: String(words[4]))
    while let line = lines.next().flatMap({ Self.checked($0) }) {
      let words = line.parts(at: " ")
      guard words.count == 3, let start = Int64(words[1]), let end = Int64(words[2]),
        0 <= start, start < end, end <= size
      else { return }
      switch words[0] {
      case "+": written.insert(contentsOf: start..<end)
      case "=": synced.insert(contentsOf: start..<end)
      default: return
      }
    }
  }

  /// The bytes that can be relied on.
  ///
  /// - Parameter bootID: the present boot of this machine.
  func usable(bootID: String) -> RangeSet<Int64> {
    self.bootID == bootID && !bootID.isEmpty ? written.union(synced) : synced
  }

  /// The whole journal, as short as it can be said.
  var text: String {
    var lines = [Self.line("\(Self.format) \(digest) \(size) \(bootID)")]
    lines += written.ranges.map { Self.line("+", $0) }
    lines += synced.ranges.map { Self.line("=", $0) }
    return lines.joined()
  }

  static func line(_ sign: String, _ range: Range<Int64>) -> String {
    line("\(sign) \(range.lowerBound) \(range.upperBound)")
  }

  /// A line of the journal, with its checksum.
  static func line(_ content: String) -> String {
    "\(content) #\(checksum(content))\n"
  }

  /// The line's content, when its checksum holds.
  private static func checked(_ line: Substring) -> Substring? {
    guard let (before, sum) = line.cut(atLast: "#"), before.ends(with: " ") else { return nil }
    let content = before.dropLast()
    return sum == checksum(content) ? content : nil
  }

  /// FNV-1a, 64 bits: it tells a torn line from a whole one, no more.
  private static func checksum(_ content: some StringProtocol) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in content.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return String(hash, radix: 16)
  }
}
