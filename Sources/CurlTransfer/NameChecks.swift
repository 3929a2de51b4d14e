import Glibc
import Transfer

/// Transfers that failed because a host's name could not be looked up, until it is known what that means.
///
/// ```
/// failed -> asked -> ended    the system says that there is no such name, or that it cannot say
///           asked -> ended    it says nothing for a second: then it cannot say, either
///           asked -> ended    the transfer was cancelled
/// ```
struct NameChecks {
  /// A transfer, and the error with which it ends.
  typealias Checked = (job: CurlJob, error: TransferError)

  private struct Waiting {
    let job: CurlJob
    let error: TransferError
    let host: String
    let until: Double
  }

  private var waiting: [UInt64: Waiting] = [:]

  /// Seconds in which the system says that there is no such name: somebody has just been asked for it.
  private static let patience = 1.0

  var isEmpty: Bool { waiting.isEmpty }

  /// The transfers' numbers.
  var numbers: [UInt64] { Array(waiting.keys) }

  /// Takes a transfer that failed.
  ///
  /// - Returns: true where its host's name is to be looked up; false: somebody is at it.
  mutating func add(_ job: CurlJob, _ error: TransferError, host: String, now: Double) -> Bool {
    let isFirst = !waiting.values.contains { $0.host == host }
    waiting[job.number] = Waiting(
      job: job, error: error, host: host, until: now + Self.patience)
    return isFirst
  }

  /// A name was looked up.
  ///
  /// - Parameters:
  ///   - host: the name.
  ///   - code: what `getaddrinfo` said.
  mutating func answered(_ host: String, _ code: Int32) -> [Checked] {
    end {
      $0.host == host
    } error: {
      Self.error($0.error, code)
    }
  }

  /// Those for whom it takes too long.
  mutating func expired(now: Double) -> [Checked] {
    waiting.isEmpty
      ? []
      : end {
        $0.until <= now
      } error: {
        Self.error($0.error, EAI_AGAIN)
      }
  }

  /// Takes one away, because it was cancelled.
  mutating func take(_ number: UInt64) -> CurlJob? { waiting.removeValue(forKey: number)?.job }

  private mutating func end(
    _ isOver: (Waiting) -> Bool, error: (Waiting) -> TransferError
  ) -> [Checked] {
    let over = waiting.filter { isOver($0.value) }.sorted { $0.key < $1.key }
    for (number, _) in over { waiting[number] = nil }
    return over.map { ($0.value.job, error($0.value)) }
  }

  /// libcurl's error with the system's words.
  ///
  /// - Parameters:
  ///   - error: of libcurl.
  ///   - code: what `getaddrinfo` said of the same name; 0: by now it has an address.
  static func error(_ error: TransferError, _ code: Int32) -> TransferError {
    var known: TransferError
    switch code {
    case 0: return error
    case EAI_NONAME, noData, addressFamily:
      known = TransferError(.noSuchHost, error.message + " (there is no such name)")
    default:
      known = TransferError(
        error.kind, error.message + " (the name servers do not say: it may pass)")
    }
    known.failedProxy = error.failedProxy
    return known
  }

  /// `EAI_NODATA` and `EAI_ADDRFAMILY`, which glibc keeps behind a macro.
  private static let noData: Int32 = -5
  private static let addressFamily: Int32 = -9
}
