import OCI

/// Turns events into lines for logs and pipes: what changed, and now and then how far it is.
package struct PlainRenderer: Sendable {
  /// Seconds between two lines about the whole image.
  package static let interval = 5.0
  private var nextTotal = interval
  private var isOpened = false
  private var images = 0

  /// Makes a renderer.
  package init() {}

  /// The line for an event; nil where it is not worth one.
  ///
  /// - Parameter event: what happened.
  package mutating func line(_ event: ProgressEvent) -> String? {
    switch event {
    case .started(let reference):
      images += 1
      return "pulling \(reference)"
    case .pool(let workers, let reason):
      guard !isOpened else { return nil }
      isOpened = true
      return "starting with \(Wording.workers(workers)): \(reason)"
    case .resolved(
      let reference, let digest, let platform, let platformDigest, let blobs, let bytes, let present
    ):
      // Of several images one wants to know which.
      let name = images > 1 ? "\(reference) " : ""
      let here = present > 0 ? ", \(ByteCount.text(present)) already here" : ""
      let own = [platform, platformDigest?.description].compactMap { $0 }.joined(separator: " ")
      return
        "resolved \(name)\(digest)\(own.isEmpty ? "" : " (\(own))"): \(blobs) blobs, \(ByteCount.text(bytes))\(here)"
    case .blob(let blob):
      let image = images > 1 ? blob.image.map { "\($0) " } ?? "" : ""
      let name = "\(image)\(blob.label) \(blob.digest.short)"
      switch blob.state {
      case .done: return "\(name): done, \(ByteCount.text(blob.size))"
      case .elsewhere, .present: return "\(name): \(Wording.state(blob))"
      case .waiting, .fetching, .verifying: return nil
      }
    case .snapshot(let snapshot):
      guard snapshot.seconds >= nextTotal else { return nil }
      nextTotal = snapshot.seconds + Self.interval
      let left = snapshot.secondsLeft.map { ", ETA " + Wording.clock($0) } ?? ""
      return "\(Wording.percent(snapshot.done, of: snapshot.size)) "
        + "\(ByteCount.text(snapshot.done)) of \(ByteCount.text(snapshot.size)), "
        + "\(Wording.rate(snapshot.bytesPerSecond)), \(Wording.workers(snapshot.poolSize))\(left)"
    case .warning, .waiting, .late, .mirrorGivenUp:
      return Self.notice(event)
    case .wrote(let output):
      return "wrote \(output)"
    case .finished(let summary):
      return Wording.summary(summary)
    case .failed(let failure):
      // What ends the run is said at its end.
      return failure.isOneOfSeveral ? "not pulled: \(failure.message.linesShownSafely)" : nil
    case .total(let total):
      return Wording.total(total)
    }
  }

  /// The line of what a person should know in the middle of something else; nil for other events.
  package static func notice(_ event: ProgressEvent) -> String? {
    if case .warning = event { return words(event).map { "warning: \($0)" } }
    return words(event)
  }

  /// The same for a log, which says itself that it is a warning.
  package static func words(_ event: ProgressEvent) -> String? {
    switch event {
    case .warning(let text):
      return text.linesShownSafely
    case .waiting(let seconds, let reason):
      let shown = seconds < 10 ? (seconds * 10).rounded() / 10 : min(seconds, 1e9).rounded()
      return "waiting \(shown.formattedBriefly) s: \(reason.linesShownSafely)"
    case .late(let server, let reason):
      return "\(server.shownSafely(limit: 260)) \(reason.linesShownSafely)"
    case .mirrorGivenUp(let mirror, let reason):
      return "the mirror \(mirror.shownSafely(limit: 260)) is not asked any more: "
        + reason.linesShownSafely
    default:
      return nil
    }
  }
}

extension Double {
  /// Without a fraction that is none.
  fileprivate var formattedBriefly: String {
    rounded() == self && magnitude < 1e15 ? "\(Int64(self))" : "\(self)"
  }
}
