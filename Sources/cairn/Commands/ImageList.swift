import OCI
import Text

/// The images of one command: those named on the line, and those in files, each once.
struct ImageList {
  /// In the order in which they were named.
  private(set) var names: [String]

  /// The most bytes of a file.
  private static let limit = 16 << 20

  /// Reads files.
  ///
  /// - Parameters:
  ///   - named: on the command line.
  ///   - files: of one name a line; `#` begins a comment.
  /// - Throws: `CommandFailure`: one cannot be read, or nothing is named.
  init(_ named: [String], files: [String]) throws {
    var seen: Set<ExactText> = []
    names = named.filter { seen.insert($0.exact).inserted }
    for file in files {
      let bytes = try readInput(file, what: "list of images", limit: Self.limit)
      try add(bytes, of: file, besides: &seen)
    }
    guard !names.isEmpty else {
      throw CommandFailure(
        message: "no image is named in \(files.joined(separator: ", "))", kind: .usage)
    }
  }

  /// The most bytes of a line: no reference is nearly as long.
  private static let lineLimit = 4 << 10

  /// Adds the names in a list's text; a byte order mark before it is passed over.
  ///
  /// - Throws: `CommandFailure` that says in which line is no name.
  private mutating func add(
    _ bytes: [UInt8], of file: String, besides seen: inout Set<ExactText>
  ) throws {
    // As bytes, a line at a time: a text of millions of lines costs what one of them does.
    var rest = bytes.withoutByteOrderMark
    var number = 0
    while !rest.isEmpty {
      number += 1
      let line = rest.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
      rest = rest[line.endIndex...]
      let isPair = rest.starts(with: [UInt8(ascii: "\r"), UInt8(ascii: "\n")])
      rest = rest.dropFirst(isPair ? 2 : 1)
      let place = "\(file):\(number)"
      guard let name = try Self.name(in: line, at: place), seen.insert(name.exact).inserted else {
        continue
      }
      do throws(OCIError) { _ = try Reference(name) } catch {
        throw CommandFailure(message: "\(place): \(error)", kind: .usage)
      }
      names.append(name)
    }
  }

  /// The name in a line; nil: it has none.
  private static func name(in line: ArraySlice<UInt8>, at place: String) throws -> String? {
    let bare = line.prefix { $0 != UInt8(ascii: "#") }.drop { $0 <= 0x20 }
    guard !bare.isEmpty else { return nil }
    guard bare.count <= lineLimit else {
      throw CommandFailure(
        message: "\(place): the line has more than \(lineLimit) bytes", kind: .usage)
    }
    let text = String(outside: Array(bare))
    return text.lastIndex { !$0.isWhitespace }.map { String(text[...$0]) }
  }
}
