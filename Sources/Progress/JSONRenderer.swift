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

  private struct Line: Encodable {
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
    var line = Line(event: "", traceId: traceID?.description)
    switch event {
    case .started(let reference):
      line.event = "started"
      line.reference = reference
    case .pool(let workers, let reason):
      line.event = "pool"
      line.poolSize = workers
      line.poolReason = reason
    case .resolved(
      let reference, let digest, let platform, let platformDigest, let blobs, let bytes, let present
    ):
      line.event = "resolved"
      line.reference = reference
      line.digest = digest.description
      line.platform = platform
      line.platformDigest = platformDigest?.description
      line.blobs = blobs
      line.bytes = bytes
      line.bytesPresent = present
    case .snapshot(let snapshot):
      line.event = "progress"
      line.blobs = snapshot.blobs.count
      line.blobsDone = snapshot.blobsDone
      line.bytes = snapshot.size
      line.bytesDone = snapshot.done
      line.bytesPerSecond = Wording.whole(snapshot.bytesPerSecond)
      line.etaSeconds = snapshot.secondsLeft.map { Self.round($0) }
      line.seconds = Self.round(snapshot.seconds)
      line.poolSize = snapshot.poolSize
      line.open = snapshot.open
    case .blob(let blob):
      line.event = "blob"
      line.reference = blob.image
      line.digest = blob.digest.description
      line.label = blob.label
      line.state = blob.state.rawValue
      line.process = blob.process
      line.bytes = blob.size
      line.bytesDone = blob.done
    case .warning(let text):
      line.event = "warning"
      line.message = text
    case .waiting(let seconds, let reason):
      line.event = "waiting"
      line.seconds = Self.round(seconds)
      line.message = reason
    case .late(let server, let reason):
      line.event = "late"
      line.server = server
      line.message = reason
    case .mirrorGivenUp(let mirror, let reason):
      line.event = "mirrorGivenUp"
      line.mirror = mirror
      line.message = reason
    case .wrote(let output):
      line.event = "wrote"
      line.output = output
    case .finished(let summary):
      line.event = "finished"
      line.reference = summary.reference
      line.digest = summary.digest.description
      line.platform = summary.platform
      line.platformDigest = summary.platformDigest?.description
      line.bytes = summary.bytes
      line.bytesFetched = summary.fetched
      line.seconds = Self.round(summary.seconds)
      line.requests = summary.requests
      line.connections = summary.connections
      line.retries = summary.retries
      line.poolSize = summary.poolSize
      line.limitedBy = summary.limitedBy
      line.limitCause = summary.limit?.cause
      line.limitEvidence = summary.limit.map { $0.evidence.mapValues { Self.round($0) } }
    case .failed(let failure):
      line.event = "failed"
      line.reference = failure.reference
      line.message = failure.message
      line.hint = failure.hint
      line.exitCode = failure.exitCode
    case .total(let total):
      line.event = "total"
      line.images = total.images
      line.imagesPulled = total.pulled
      line.bytesFetched = total.fetched
      line.seconds = Self.round(total.seconds)
      line.poolSize = total.poolSize
      line.limitedBy = total.limitedBy
    }
    guard let data = try? StableJSON.encode(line) else { return #"{"event":"unknown","v":1}"# }
    return String(decoding: data, as: UTF8.self)
  }

  private static func round(_ seconds: Double) -> Double { (seconds * 1000).rounded() / 1000 }
}
