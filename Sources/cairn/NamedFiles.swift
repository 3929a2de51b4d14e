import Disk
import History
import OCI
import Progress

/// Writes a text to a file, pipe or device that the user named; `-` is standard output.
///
/// - Throws: `CommandFailure` where it cannot be written.
func write(_ text: String, to file: String) throws {
  do throws(DiskError) {
    let output = try OutputFile(file) { LineOutput.standardError.write("\($0)\n") }
    try output.write(text.utf8)
    try output.finish()
  } catch {
    throw CommandFailure(message: error.description, kind: .disk)
  }
}

/// Prints figures: on standard error where standard output is what is drawn from them.
///
/// - Parameter drawing: where the drawing goes; nil: there is none.
func print(_ figures: String, beside drawing: String?) {
  guard let drawing, OutputFile.isStandardOutput(drawing) else {
    print(figures, terminator: "")
    return
  }
  LineOutput.standardError.write(figures)
}

/// Fails where a file that the user named for output cannot be written; before the work.
///
/// - Throws: `CommandFailure`.
func requireWritable(_ file: String?) throws {
  guard let file else { return }
  do throws(DiskError) { _ = try OutputFile.check(file) } catch {
    throw CommandFailure(message: error.description, kind: .disk)
  }
}

/// A file that a command writes, and what named it.
struct WrittenFile {
  let option: String
  let path: String

  /// The files that options name; those without one name none.
  static func named(by options: KeyValuePairs<String, String?>) -> [WrittenFile] {
    options.compactMap { option, path in path.map { WrittenFile(option: option, path: $0) } }
  }

  /// The files of a history, which nothing else is written to.
  static func history(_ options: HistoryOptions) -> [WrittenFile] {
    History.files(options.file).map { WrittenFile(option: "the history", path: $0) }
  }
}

/// Fails where two of the files that a command writes are one.
///
/// - Throws: `CommandFailure`.
func requireDifferent(_ files: [WrittenFile]) throws {
  for (number, file) in files.enumerated() {
    guard let other = files[..<number].first(where: { OutputFile.isSame($0.path, file.path) })
    else { continue }
    throw CommandFailure(
      message: "\(file.option) is \(other.option), too: \(shownName(file.path, "output"))",
      kind: .usage)
  }
}

/// Fails where files that a command writes are in the store.
///
/// - Throws: `CommandFailure`.
func requireOutside(_ store: String, _ files: [WrittenFile]) throws {
  guard let store = try? Folder(store) else { return }
  for file in files where OutputFile.folder(of: file.path)?.isWithin(store) ?? false {
    throw CommandFailure(
      message: "\(file.option) is inside the store: \(shownName(file.path, "output"))",
      kind: .usage)
  }
}

/// Reads a file that the user named.
///
/// - Parameters:
///   - file: its path; `-` is standard input.
///   - what: what it should be, for words.
///   - limit: the most bytes that it may have.
/// - Throws: `CommandFailure` where it cannot be read.
func readInput(_ file: String, what: String, limit: Int) throws -> [UInt8] {
  do throws(DiskError) {
    return try InputFile.read(file == "-" ? "/dev/stdin" : file, limit: limit, pipes: .read)
  } catch {
    throw CommandFailure(
      message: "cannot read the \(what) \(shownName(file, "input")): \(error.why)", kind: .notFound)
  }
}

/// A file as the user named it, for words: others may have given it its name.
///
/// - Parameter stream: which standard stream `-` is.
func shownName(_ file: String, _ stream: String) -> String {
  file == "-" ? "standard \(stream)" : file.shownSafely(limit: 1_000)
}
