import Disk
import FoundationEssentials
import History
import OCI
import Progress

/// An export in the file that it is written to.
extension HistoryExport {
  /// What the file has of it.
  var text: String {
    get throws { String(decoding: try StableJSON.encode(self), as: UTF8.self) + "\n" }
  }

  /// Adds it to what others have written to a file, and may be writing at this moment.
  ///
  /// - Throws: `CommandFailure`: the file cannot be written, or is none of exports.
  func add(to file: String) throws {
    func tell(_ words: String) {
      LineOutput.standardError.write("\(words.linesShownSafely)\n")
    }
    do {
      try OutputFile.update(file, limit: History.importBytes, tell: tell) { present in
        let earlier = try present.flatMap {
          $0.isEmpty ? nil : try HistoryExport(reading: Data($0))
        }
        return Array(try merged(into: earlier ?? self).text.utf8)
      }
    } catch let error as HistoryError {
      throw CommandFailure(message: "\(file.shownSafely(limit: 1_000)): \(error)", kind: .integrity)
    } catch let error as DiskError {
      throw CommandFailure(message: error.description, kind: .disk)
    }
  }
}
