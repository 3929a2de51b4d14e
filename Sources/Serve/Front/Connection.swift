import Downloads
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import Store

/// Answers the requests of one connection, one after the other.
struct Connection: Sendable {
  let channel: any Channel
  let peer: Caller.Peer
  let isEncrypted: Bool
  let answerer: Answerer
  let rule: HostGuard
  let isEnding: @Sendable () -> Bool
  let log: @Sendable (RequestRecord) -> Void

  /// Bytes of a file that the kernel is asked to send in one go.
  private static let fileStep: Int64 = 1 << 20
  /// Bytes on their way to one caller that are in memory.
  private static let streamStep: Int64 = 64 << 10

  /// Answers until the caller is gone or wants no more.
  func run(_ requests: AsyncStream<HTTPRequestHead>) async {
    for await head in requests {
      // Who is gone may have left requests.
      guard !Task.isCancelled, await answer(head) else { break }
    }
    try? await channel.close()
  }

  /// Answers one request.
  ///
  /// - Returns: false where the connection is over.
  private func answer(_ head: HTTPRequestHead) async -> Bool {
    let start = ContinuousClock.now
    answerer.metrics?.began()
    defer { answerer.metrics?.ended() }
    let answer = await answer(to: head)
    let goesOn = head.isKeepAlive && head.version == .http1_1 && !isEnding() && answer.status != 400
    var record = RequestRecord(
      peer: peer, method: head.method.rawValue, target: head.uri, status: answer.status, bytes: 0,
      headSeconds: start.duration(to: .now) / .seconds(1), seconds: 0, origin: answer.origin,
      isComplete: false)
    // Not sent by itself: small answers are one packet.
    channel.write(
      HTTPServerResponsePart.head(responseHead(answer, goesOn: goesOn)), promise: nil)
    do {
      if head.method != .HEAD {
        try await write(answer.body) {
          record.bytes += $0
          answerer.metrics?.sent($0)
        }
      }
      // Who has all of it may be gone before it hears that there is no more.
      record.isComplete = true
      try await write(.end(nil))
    } catch {
      // The head has promised more than came: that there is no more can only be said by the connection's end.
      if !record.isComplete {
        answerer.metrics?.failed(
          error is BlobStream.Broken ? .content : channel.isActive ? .upstream : .left)
      }
    }
    withExtendedLifetime((answer.hold, answer.room)) {}
    record.seconds = start.duration(to: .now) / .seconds(1)
    answerer.metrics?.note(record)
    log(record)
    return goesOn && record.isComplete
  }

  private func answer(to head: HTTPRequestHead) async -> Answer {
    let fields = head.headers
    // What else there is costs more than its length to compare, and nothing that is served has such a name.
    let read = [
      "host", "origin", "sec-fetch-site", "authorization", "range", "if-range",
    ].flatMap { fields[$0] }
    guard ([head.uri] + read).allSatisfy({ $0.utf8.allSatisfy { $0 < 0x80 } }) else {
      return .error(400, .unsupported, "the request's head is not ASCII")
    }
    if let refusal = rule.refusal(
      hosts: fields["host"], origins: fields["origin"], sites: fields["sec-fetch-site"])
    {
      return refusal.answer
    }
    let authorizations = fields["authorization"]
    guard authorizations.count <= 1 else { return .error(400, .denied, "two Authorizations") }
    let ranges = fields["range"]
    return await answerer.answer(
      ServeRequest(
        method: head.method.rawValue, target: head.uri,
        range: ranges.count == 1 ? ranges[0] : nil, validators: fields["if-range"],
        caller: Caller(
          peer, isEncrypted: isEncrypted, via: ViaChain(fields: fields["via"]),
          authorization: authorizations.first)))
  }

  private func responseHead(_ answer: Answer, goesOn: Bool) -> HTTPResponseHead {
    var fields = HTTPHeaders(answer.fields)
    fields.add(name: "Content-Length", value: "\(answer.body.length)")
    if !goesOn { fields.add(name: "Connection", value: "close") }
    return HTTPResponseHead(
      version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status), headers: fields)
  }

  // MARK: Bodies

  private func write(_ body: Answer.Body, count: (Int64) -> Void) async throws {
    switch body {
    case .nothing: break
    case .bytes(let bytes):
      try await copy(bytes, count)
    case .file(let reader, let range):
      if isEncrypted {
        try await copy(reader, range, count)
      } else {
        try await send(reader, range, count)
      }
    case .stream(let stream):
      channel.flush()
      try await follow(stream, count)
    case .passing(let blob):
      try await pass(blob, count)
    }
  }

  /// Sends a blob as it comes, and what is left of it past the disk where that keeps no more.
  private func follow(_ stream: BlobStream, _ count: (Int64) -> Void) async throws {
    var position = stream.range.lowerBound
    var last: BlobReader?
    do {
      while let (reader, part) = try await stream.next(after: position) {
        last = reader
        try await copy(reader, part, count)
        position = part.upperBound
      }
    } catch DownloadError.store(let error) {
      guard let rest = try await stream.rest(after: position, last) else {
        throw DownloadError.store(error)
      }
      // Whoever has it open keeps its lock.
      last = nil
      try await pass(rest, count)
    }
  }

  private func pass(_ blob: PassThrough, _ count: (Int64) -> Void) async throws {
    while let bytes = try await blob.next() { try await copy(bytes, count) }
  }

  /// Sends bytes that are in memory, and has no more than a step of them there twice.
  private func copy(_ bytes: [UInt8], _ count: (Int64) -> Void) async throws {
    for step in Self.steps(0..<Int64(bytes.count), Self.streamStep) {
      let part = bytes[Int(step.lowerBound)..<Int(step.upperBound)]
      try await write(.body(.byteBuffer(ByteBuffer(bytes: part))))
      count(Int64(step.count))
    }
  }

  /// Sends bytes that are on the disk by way of memory.
  private func copy(
    _ reader: BlobReader, _ range: Range<Int64>, _ count: (Int64) -> Void
  ) async throws {
    for step in Self.steps(range, Self.streamStep) {
      try await write(.body(.byteBuffer(try await read(reader, step))))
      count(Int64(step.count))
    }
  }

  /// Has the kernel send a file's bytes.
  private func send(
    _ reader: BlobReader, _ range: Range<Int64>, _ count: (Int64) -> Void
  ) async throws {
    let file = try reader.withDescriptor { descriptor in
      let own = dup(descriptor)
      guard own >= 0 else { throw IOError(errnoCode: errno, reason: "dup") }
      return NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: own)
    }
    defer { try? file.close() }
    for step in Self.steps(range, Self.fileStep) {
      let region = FileRegion(
        fileHandle: file, readerIndex: Int(clamping: step.lowerBound),
        endIndex: Int(clamping: step.upperBound))
      try await write(.body(.fileRegion(region)))
      count(Int64(step.count))
    }
  }

  /// Reads bytes that are on the disk, on a thread that may wait for it.
  ///
  /// Into memory: a descriptor that the kernel has for sending would keep the lock of a blob that
  /// is on its way.
  private func read(_ reader: BlobReader, _ range: Range<Int64>) async throws -> ByteBuffer {
    let count = range.count
    return try await NIOThreadPool.singleton.runIfActive {
      var buffer = ByteBuffer()
      var done = 0
      while done < count {
        let read = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count - done) {
          try reader.read(
            at: range.lowerBound + Int64(done),
            into: UnsafeMutableRawBufferPointer(rebasing: $0[..<(count - done)]))
        }
        guard read > 0 else { throw BlobStream.Broken() }
        done += read
      }
      return buffer
    }
  }

  private static func steps(_ range: Range<Int64>, _ length: Int64) -> [Range<Int64>] {
    stride(from: range.lowerBound, to: range.upperBound, by: Int64.Stride(length)).map {
      $0..<min(range.upperBound, $0 + length)
    }
  }

  /// Returns when it was taken.
  private func write(_ part: HTTPServerResponsePart) async throws {
    try await channel.writeAndFlush(part).get()
  }
}
