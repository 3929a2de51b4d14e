import Disk
import Glibc
import Text

/// A file of the user's or the machine's configuration, read whole.
enum ConfigFile: Equatable {
  /// There is none.
  case missing
  /// Its text.
  case text(String)
  /// It is another user's, or everybody may write it: it cannot decide anything; why.
  case untrusted(String)
  /// It is there and cannot be read; why.
  case unusable(String)

  /// The most bytes of a file.
  private static let limit = 4 << 20

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: where it may be.
  ///   - trust: whose files count; nil: everybody's, since the user named it.
  static func read(_ path: String, trust: FileTrust?) -> ConfigFile {
    do throws(DiskError) {
      return decoded(try InputFile.read(path, limit: limit, trust: trust))
    } catch {
      if [EPERM, EACCES].contains(error.code), let reason = error.reason {
        return .untrusted(reason)
      }
      // A home that this user may not even look into is not his.
      if trust != nil, error.code == EACCES, Files.info(path) == nil {
        return .untrusted(error.why)
      }
      // A link that leads nowhere was made by somebody who wants something there.
      guard isAbsence(error.code), error.reason == nil else {
        return .unusable(error.why)
      }
      return .missing
    }
  }

  /// Whether a directory or file is there; a reason where that cannot be found out.
  static func exists(_ path: String) -> Result<Bool, Unclear> {
    do throws(DiskError) {
      _ = try Files.target(path)
      return .success(true)
    } catch {
      if isAbsence(error.code) { return .success(false) }
      return .failure(Unclear(reason: DiskError.words(error.code)))
    }
  }

  /// Why it cannot be found out whether something is there.
  struct Unclear: Error, Equatable {
    let reason: String
  }

  /// Whether a file can be read by this user; what libcurl opens by its name must be one that does
  /// not make it wait.
  static func isReadable(_ path: String, trust: FileTrust?) -> Bool {
    InputFile.complaint(path, pipes: .refused, trust: trust) == nil
  }

  /// TOML is UTF-8, comments too: who wrote something else may have meant something else in other
  /// places as well.
  private static func decoded(_ bytes: [UInt8]) -> ConfigFile {
    if let text = String(validatingOutside: bytes) { return .text(text) }
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let bad = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
    return .unusable("line \(bad + 1) is not UTF-8")
  }

  private static func isAbsence(_ code: Int32) -> Bool { code == ENOENT || code == ENOTDIR }
}
