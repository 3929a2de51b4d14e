import Downloads
import NIOPosix
import OCI
import Registry
import Store
import Transfer

/// Blobs and ranges of them.
extension Answerer {
  /// Answers with a blob, or with a range of it.
  func blob(
    _ digest: Digest, _ upstream: Upstream, _ session: any ServeSession, _ request: ServeRequest
  ) async throws(RegistryError) -> Answer {
    // Another session may have given the manifest that the caller has.
    if let manifest = named.manifest(naming: digest, in: upstream) {
      session.client.note(digest, namedBy: manifest)
    }
    let glimpse = try await glimpse(of: digest, upstream, request, session)
    let size = glimpse.size
    // What a blob is, its manifest says, and nobody reads this.
    var fields = [
      ("Content-Type", "application/octet-stream"), ("Docker-Content-Digest", "\(digest)"),
      ("Accept-Ranges", "bytes"), ("ETag", digest.entityTag),
    ]
    var status = 200
    var range = 0..<size
    switch RangeRequest(request.range(of: digest), size: size) {
    case .whole: break
    case .part(let part):
      (status, range) = (206, part)
      fields.append(("Content-Range", "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)"))
    case .unsatisfiable:
      // Who asks for it may know better: upstream is asked again.
      session.withdraw(digest)
      var answer = Answer.error(416, .unsupported, "the blob has \(size) bytes")
      answer.fields.append(("Content-Range", "bytes */\(size)"))
      return answer
    }
    if request.isHead { return Answer(200, fields, .nothing(length: size)) }
    let blob = Descriptor(
      mediaType: MediaType(rawValue: "application/octet-stream"), digest: digest, size: size)
    var answer = Answer(status, fields)
    let (cache, circle) = (cache, session.circle)
    switch try await onDisk({ cache.take(blob, for: circle) }) {
    case .file(let reader, let hold):
      (answer.body, answer.hold, answer.origin) = (.file(reader, range), hold, .cache)
    case .room(let hold):
      if let stream = try await stream(blob, glimpse, range, upstream, session) {
        (answer.body, answer.hold) = (.stream(stream), hold)
      } else {
        guard let passing = try await pass(blob, range, session) else { return .noRoom }
        answer.body = .passing(passing)
      }
      answer.origin = .upstream
    case .noRoom:
      ahead.giveWay()
      guard let passing = try await pass(blob, range, session) else { return .noRoom }
      answer.body = .passing(passing)
      answer.origin = .upstream
    }
    return answer
  }

  /// The size of a blob that upstream lets the caller have: it is asked, unless it said so lately.
  ///
  /// Its word comes with the first bytes that the caller waits for, where they are not here or on their way.
  private func glimpse(
    of digest: Digest, _ upstream: Upstream, _ request: ServeRequest, _ session: any ServeSession
  ) async throws(RegistryError) -> BlobSource.Glimpse {
    if let size = session.granted(digest) { return .init(size: size) }
    let offset = request.isHead ? nil : RangeRequest.start(request.range(of: digest))
    let hasOld =
      session.grantedBefore(digest) != nil && cache.size(of: digest, for: session.circle) != nil
    do throws(RegistryError) {
      return try await ask(sizes, "\(digest) \(offset ?? 0)", session, hasOld: hasOld) {
        () async throws(RegistryError) in
        // Somebody may have been told in this very moment.
        if let size = session.granted(digest) { return .init(size: size) }
        // Nothing that another circle has or says counts: neither here nor for what is asked.
        let known = cache.size(of: digest, for: session.circle)
        let isComing = await downloads.isWanted(digest, in: session.circle)
        let count = offset == nil || known != nil || isComing ? 1 : Self.firstBytes
        let glimpse = try await session.source.glimpse(
          of: digest, from: offset ?? 0, count: count,
          expecting: named.size(of: digest, in: upstream) ?? known)
        session.grant(digest, size: glimpse.size)
        return glimpse
      }
    } catch {
      // What it granted before may be given for a while, if it is here.
      guard error.isOutage, let before = session.grantedBefore(digest) else { throw error }
      return .init(size: before)
    }
  }

  /// Bytes that come with upstream's word: with its head they fit the ten packets that a new
  /// connection sends at once.
  static let firstBytes: Int64 = 12 << 10

  /// Wants a blob, and waits until some of it can be given.
  ///
  /// - Returns: nil where the cache cannot keep it.
  private func stream(
    _ blob: Descriptor, _ glimpse: BlobSource.Glimpse, _ range: Range<Int64>, _ upstream: Upstream,
    _ session: any ServeSession
  ) async throws(RegistryError) -> BlobStream? {
    var wish = Wish(blob, label: "blob", owner: "\(upstream.reference.repository)")
    cache.note(&wish, in: session.circle)
    wish.glimpse = (glimpse.offset, glimpse.bytes)
    wish.part = BlobStream.part(for: range, of: blob.size)
    let wanted = await downloads.want([wish], from: session.source, urgency: .read)
    guard let download = wanted.first else {
      throw RegistryError(.notFound, "nothing is fetched any more")
    }
    // Not before it is wanted by its reader: it would be let go of in between.
    let reading = ahead.read(blob.digest, in: session.circle, isPart: wish.part != nil)
    let stream = BlobStream(range, of: blob.size, from: download, reading) {
      try await pass(blob, $0, session, after: $1)
    } fails: {
      note($0, of: blob, upstream, session)
    }
    switch await failure(of: stream.begin) as? DownloadError {
    case .registry(let error)?: throw error
    case .integrity(let words)?: throw RegistryError(.integrity, words)
    case .store?: return nil
    // Whoever asked is gone, or the service ends.
    case .stopped?, nil: return stream
    }
  }

  /// Notes what a blob's failure says of what is known.
  private func note(
    _ error: DownloadError, of blob: Descriptor, _ upstream: Upstream, _ session: any ServeSession
  ) {
    switch error {
    case .registry(let error) where error.kind != .integrity: break
    case .registry, .integrity:
      // A size that was wrong would be so until the grant is old.
      session.withdraw(blob.digest)
      named.forgetSize(of: blob.digest, in: upstream)
    case .store(let error): cache.noteTrouble(error)
    case .stopped: break
    }
  }

  /// Waits for the first bytes, so that what upstream says in their place becomes the answer.
  ///
  /// Not for ever: clients wait some 30 s for a head, and for a body as long as it takes.
  ///
  /// - Returns: why nothing will come; nil: something came, or may come.
  private func failure(of begin: @escaping @Sendable () async throws -> Void) async -> (any Error)?
  {
    await withTaskGroup(of: (any Error)?.self) { group in
      group.addTask {
        do {
          try await begin()
          return nil
        } catch {
          return error
        }
      }
      group.addTask {
        try? await Task.sleep(for: firstBytesPatience)
        return nil
      }
      let first = await group.next()
      group.cancelAll()
      return first ?? nil
    }
  }

  /// Gives a blob, or what is left of it, that is kept nowhere.
  ///
  /// - Parameter before: reads what the caller of a whole blob has already.
  /// - Returns: nil where there is no room in memory for any of it.
  private func pass(
    _ blob: Descriptor, _ range: Range<Int64>, _ session: any ServeSession,
    after before: BlobReader? = nil
  ) async throws(RegistryError) -> PassThrough? {
    let bytes = Int(min(PassThrough.piece, Int64(range.count)))
    guard let place = await room.take(bytes, patience: roomPatience) else {
      if Task.isCancelled { throw .callerLeft }
      return nil
    }
    let passing: PassThrough
    do {
      passing = try PassThrough(
        blob, range, from: session.source, room, place, after: before)
    } catch {
      throw RegistryError(.protocolError(transient: false), "\(error)")
    }
    if let error = await failure(of: passing.begin) as? RegistryError { throw error }
    return passing
  }

  /// Does something that may wait for the disk, on a thread that may.
  ///
  /// - Throws: where the caller is gone, or the process ends: nothing was looked at then, which is another
  ///   thing than that nothing is there.
  func onDisk<Value: Sendable>(
    _ body: @escaping @Sendable () -> Value
  ) async throws(RegistryError) -> Value {
    do {
      return try await NIOThreadPool.singleton.runIfActive(body)
    } catch {
      throw .callerLeft
    }
  }
}

extension RegistryError {
  /// Nobody waits for the answer any more.
  static var callerLeft: RegistryError {
    RegistryError(.transfer(TransferError(.cancelled, "cancelled")), "cancelled")
  }

  /// Whether nothing is wrong but that nobody waits.
  var isOfCallerLeft: Bool {
    if case .transfer(let error) = kind { error.kind == .cancelled } else { false }
  }
}
