import Disk
import FoundationEssentials
import Glibc
package import History
import OCI

/// The exports of a site's machines, in a file or a folder that they share; they are only read.
package enum SiteFiles {
  /// Files of a folder that are read at most, and bytes of all of them.
  private static let mostFiles = 1_000
  private static let mostBytes = 64 << 20

  /// Reads what is there.
  ///
  /// - Parameters:
  ///   - place: a file, or a folder of files that end in `.json`.
  ///   - warn: told what is passed over, and why.
  package static func read(_ place: String, warn: (String) -> Void) -> SiteHistory {
    var exports: [HistoryExport] = []
    var (left, passedOver) = (mostBytes, 0)
    var reason: String?
    func pass(over file: String, _ why: String) {
      passedOver += 1
      reason = reason ?? "\(file.shownSafely(limit: 300)): \(why.shownSafely(limit: 300))"
    }
    for file in files(place, pass) {
      do {
        let bytes = try InputFile.read(file, limit: min(History.importBytes, left))
        left -= bytes.count
        exports.append(try HistoryExport(reading: Data(bytes)))
      } catch let error as DiskError {
        pass(over: file, error.why)
      } catch {
        pass(over: file, "\(error)")
      }
    }
    // One line, however many there are.
    if let reason {
      let others = passedOver == 1 ? "" : "; so are \(passedOver - 1) more"
      warn("the site's history is passed over in part: \(reason)\(others)")
    }
    return SiteHistory(exports)
  }

  private static func files(_ place: String, _ pass: (String, String) -> Void) -> [String] {
    do {
      let info = try Files.target(place)
      guard info.st_mode & S_IFMT == S_IFDIR else { return [place] }
    } catch {
      pass(place, error.why)
      return []
    }
    let names = Files.list(place).filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }
    for name in names.dropFirst(mostFiles) {
      pass("\(place)/\(name)", "more than \(mostFiles) files")
    }
    return names.prefix(mostFiles).map { "\(place)/\($0)" }
  }
}
