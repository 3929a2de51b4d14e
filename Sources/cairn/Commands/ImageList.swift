import OCI
import Text

/// The images of one command: those named on the line, and those in files, each once.
struct ImageList {
  /// In the order in which they were named.
  private(set) var names: [String] = []

  /// The most bytes of a file.
  private static let limit = 16 << 20

  /// Reads files.
  ///
  /// - Parameters:
  ///   - named: on the command line.
  ///   - files: of one name a line; `#` begins a comment.
  /// - Throws: `CommandFailure`: one cannot be read, or nothing is named.
  init(_ named: [String], files: [String]) throws {
    var all = named
    for file in files {
      let bytes = try readInput(file, what: "list of images", limit: Self.limit)
      all += try Self.names(in: bytes, of: file)
    }
    var seen: Set<String> = []
    names = all.filter { seen.insert($0).inserted }
    guard !names.isEmpty else {
      throw CommandFailure(
        message: "no image is named in \(files.joined(separator: ", "))", exitCode: 64)
    }
  }

  /// The names in a list's text; a byte order mark before it is passed over.
  ///
  /// - Throws: `CommandFailure` that says in which line is no name.
  private static func names(in bytes: [UInt8], of file: String) throws -> [String] {
    let text = String(outside: bytes.withoutByteOrderMark)
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    var names: [String] = []
    for (number, line) in lines.enumerated() {
      let start = line.prefix { $0 != "#" }.drop(while: \.isWhitespace)
      guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { continue }
      let name = String(start[...end])
      do throws(OCIError) { _ = try Reference(name) } catch {
        throw CommandFailure(message: "\(file):\(number + 1): \(error)", exitCode: 64)
      }
      names.append(name)
    }
    return names
  }
}
