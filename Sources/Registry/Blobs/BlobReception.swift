import OCI
import Synchronization
import Transfer

/// Takes in one answer to a request for a blob: its head is judged once, and that says where its body
/// goes and what came of it.
final class BlobReception: Sendable {
  /// What came encoded though nobody asked for it, and where it went.
  private enum Unasked { case nothing, inMemory, inFile }

  private struct State {
    var judged: BlobVerdict?
    var unasked = Unasked.nothing
    /// Whether all of the blob comes.
    var isAllSent = false
  }

  /// The range that is asked for; nil: everything.
  let wanted: Range<Int64>?
  let request: BlobSource.Request
  let place: RemoteURL
  let encoded: EncodedBlob
  private let meter: ByteMeter
  /// What the meter had before.
  private let before: Int64
  private let state = Mutex(State())

  /// - Parameters:
  ///   - request: what is asked for.
  ///   - place: who is asked.
  ///   - isSuspect: whether what came of the blob before was wrong.
  ///   - meter: counts what comes.
  init(_ request: BlobSource.Request, at place: RemoteURL, isSuspect: Bool, _ meter: ByteMeter) {
    let isAll = !request.ranged || request.range == 0..<request.blob.size
    wanted = isAll ? nil : request.range
    (self.request, self.place, self.meter) = (request, place, meter)
    encoded = EncodedBlob(
      blob: request.blob, wanted: wanted, isSuspect: isSuspect, place: place)
    before = meter.bytes
  }

  /// Says where the body goes.
  ///
  /// - Parameters:
  ///   - head: of the answer.
  ///   - begin: told where content comes, and whether that is all of the blob.
  func decide(_ head: ResponseHead, begin: (_ isWhole: Bool) -> Void) -> BodyDestination {
    let judged = judge(head)
    state.withLock { $0 = State(judged: judged) }
    if encoded.mayBe(head, judged: judged) {
      state.withLock { $0.unasked = .inMemory }
      return .memory(limit: encoded.limit)
    }
    switch judged {
    case .content(let offset, let isWhole):
      state.withLock { $0.isAllSent = isWhole }
      begin(isWhole)
      return .window(request.window, offset: offset, meter: meter)
    case .encoded(let coding, let offset, let length, let isWhole):
      state.withLock { ($0.unasked, $0.isAllSent) = (.inFile, isWhole) }
      begin(isWhole)
      return .decoded(request.window, offset: offset, length: length, coding: coding, meter: meter)
    case .aside: return .beginning(limit: RepositoryClient.asideLimit)
    case .refused: return .refuse
    }
  }

  /// What the head of an answer that has ended means.
  func judgement(of head: ResponseHead) -> BlobVerdict {
    state.withLock { $0.judged } ?? judge(head)
  }

  /// What a transfer that failed comes to.
  ///
  /// - Returns: why what came is not the blob.
  /// - Throws: the failure, where it is about the transfer.
  func outcome(of error: TransferError) throws(TransferError) -> String {
    let (unasked, isAllSent) = state.withLock { ($0.unasked, $0.isAllSent) }
    if error.kind == .broken, isAllSent { throw cut(error, after: meter.bytes - before) }
    guard error.kind == .badResponse, unasked != .nothing else { throw error }
    return unasked == .inMemory
      ? "more bytes came than the \(request.blob.size) that the manifest says" : EncodedBlob.unlike
  }

  private func judge(_ head: ResponseHead) -> BlobVerdict {
    BlobVerdict.judge(
      head, wanted: wanted, size: request.blob.size, isSuspect: encoded.isSuspect)
  }

  /// The error of an answer with all of a blob that broke off: of one that brought nothing new, that too.
  private func cut(_ error: TransferError, after count: Int64) -> TransferError {
    let start = request.range.lowerBound
    guard start > 0, count <= start, request.window.written <= start else { return error }
    var cut = error.saying(
      "it sends the blob from its beginning whatever is asked for, and cuts it off after \(count) of "
        + "\(request.blob.size) bytes, which are all here: it cannot go on from there (\(error.message))"
    )
    cut.cut = count
    return cut
  }
}
