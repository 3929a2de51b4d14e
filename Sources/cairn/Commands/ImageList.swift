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
      all += Self.names(in: String(outside: bytes))
    }
    var seen: Set<String> = []
    names = all.filter { seen.insert($0).inserted }
    guard !names.isEmpty else {
      throw CommandFailure(
        message: "no image is named in \(files.joined(separator: ", "))", exitCode: 64)
    }
  }

  /// The names in a list's text.
  static func names(in text: String) -> [String] {
    text.split(whereSeparator: \.isNewline).compactMap { line in
      let name = line.prefix { $0 != "#" }.drop(while: \.isWhitespace)
      let end = name.lastIndex { !$0.isWhitespace }
      return end.map { String(name[...$0]) }
    }
  }
}
