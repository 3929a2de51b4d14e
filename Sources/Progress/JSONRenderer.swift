import FoundationEssentials
import OCI

/// Turns events into JSON Lines, version 1; `docs/progress-json.md` documents every field.
package struct JSONRenderer: Sendable {
  /// The version in every line's `v`.
  package static let version = 1

  private let traceID: TraceID?

  /// Makes a renderer.
  ///
  /// - Parameter traceID: the run's, in every line; nil: no line has one.
  package init(traceID: TraceID? = nil) { self.traceID = traceID }

  fileprivate struct Line: Encodable {
    var v = JSONRenderer.version
    var event: String
    var traceId: String?
    var reference: String?
    var digest: String?
    var platform: String?
    var platformDigest: String?
    var label: String?
    var state: String?
    var images: Int?
    var imagesPulled: Int?
    var blobs: Int?
    var blobsDone: Int?
    var bytes: Int64?
    var bytesDone: Int64?
    var bytesPresent: Int64?
    var bytesFetched: Int64?
    var bytesPerSecond: Int64?
    var etaSeconds: Double?
    var seconds: Double?
    var poolSize: Int?
    var poolReason: String?
    var open: Int?
    var process: Int32?
    var limitedBy: String?
    var limitCause: String?
    var limitEvidence: [String: Double]?
    var requests: Int?
    var connections: Int?
    var retries: Int?
    var output: String?
    var mirror: String?
    var server: String?
    var message: String?
    var hint: String?
    var exitCode: Int32?
  }

  /// The line for an event, without the newline.
  ///
  /// - Parameter event: what happened.
  package func line(_ event: ProgressEvent) -> String {
    var line = Line(event)
    line.traceId = traceID?.description
    guard let data = try? StableJSON.encode(line) else { return #"{"event":"unknown","v":1}"# }
    return String(decoding: data, as: UTF8.self)
  }
}

extension JSONRenderer.Line {
  fileprivate init(_ event: ProgressEvent) {
    switch event {
    case .started(let reference): self.init(event: "started", reference: reference)
    case .pool(let workers, let reason):
      self.init(event: "pool", poolSize: workers, poolReason: reason)
    case .resolved(
      let reference, let digest, let platform, let platformDigest, let blobs, let bytes, let present
    ):
      self.init(
        event: "resolved", reference: reference, digest: digest.description, platform: platform,
        platformDigest: platformDigest?.description, blobs: blobs, bytes: bytes,
        bytesPresent: present)
    case .snapshot(let snapshot): self.init(snapshot)
    case .blob(let blob):
      self.init(
        event: "blob", reference: blob.image, digest: blob.digest.description, label: blob.label,
        state: blob.state.rawValue, bytes: blob.size, bytesDone: blob.done, process: blob.process)
    case .warning(let text): self.init(event: "warning", message: text)
    case .waiting(let seconds, let reason):
      self.init(event: "waiting", seconds: Self.round(seconds), message: reason)
    case .late(let server, let reason):
      self.init(event: "late", server: server, message: reason)
    case .mirrorGivenUp(let mirror, let reason):
      self.init(event: "mirrorGivenUp", mirror: mirror, message: reason)
    case .wrote(let output): self.init(event: "wrote", output: output)
    case .finished(let summary): self.init(summary)
    case .failed(let failure):
      self.init(
        event: "failed", reference: failure.reference, message: failure.message, hint: failure.hint,
        exitCode: failure.exitCode)
    case .total(let total):
      self.init(
        event: "total", images: total.images, imagesPulled: total.pulled,
        bytesFetched: total.fetched, seconds: Self.round(total.seconds), poolSize: total.poolSize,
        limitedBy: total.limitedBy)
    }
  }

  private init(_ snapshot: PullSnapshot) {
    self.init(
      event: "progress", blobs: snapshot.blobs.count, blobsDone: snapshot.blobsDone,
      bytes: snapshot.size, bytesDone: snapshot.done,
      bytesPerSecond: Wording.whole(snapshot.bytesPerSecond),
      etaSeconds: snapshot.secondsLeft.map { Self.round($0) },
      seconds: Self.round(snapshot.seconds), poolSize: snapshot.poolSize, open: snapshot.open)
  }

  private init(_ summary: ProgressEvent.Summary) {
    self.init(
      event: "finished", reference: summary.reference, digest: summary.digest.description,
      platform: summary.platform, platformDigest: summary.platformDigest?.description,
      bytes: summary.bytes, bytesFetched: summary.fetched, seconds: Self.round(summary.seconds),
      poolSize: summary.poolSize, limitedBy: summary.limitedBy, limitCause: summary.limit?.cause,
      limitEvidence: summary.limit.map { $0.evidence.mapValues { Self.round($0) } },
      requests: summary.requests, connections: summary.connections, retries: summary.retries)
  }

  private static func round(_ seconds: Double) -> Double { (seconds * 1000).rounded() / 1000 }
}
