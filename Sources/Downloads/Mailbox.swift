/// Where all that happens to downloads comes in, in order, and who reads it.
struct Mailbox {
  let events: AsyncStream<Downloads.Event>
  let inbox: AsyncStream<Downloads.Event>.Continuation
  /// Reads until the inbox is closed; nil: nobody has begun to.
  var reader: Task<Void, Never>?

  init() { (events, inbox) = AsyncStream.makeStream(of: Downloads.Event.self) }
}
