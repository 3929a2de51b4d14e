package import OCI

/// What tags meant when upstream was asked last, for when it cannot be.
///
/// Each caller has his own: what one was told says nothing about what another may have. Of those
/// with credentials nothing is written down, since what they are told apart by dies with the
/// process.
package struct TagMemory: Sendable {
  /// Which tag, and who asked.
  struct Key: Hashable, Sendable {
    var registry: String
    var repository: String
    var tag: String
    var caller: CallerKey

    var place: CallersRepository {
      CallersRepository(registry: registry, repository: repository, caller: caller)
    }
  }

  /// What upstream said.
  package struct Known: Equatable, Sendable {
    package var digest: Digest
    /// Of the manifest, in bytes.
    package var size: Int64
    /// When; seconds since 1970.
    package var time: Double
    /// Whether that is the content that was sent for the tag the last time, and not a header's word alone.
    package var isSent = false
  }

  private var entries: PlacedGenerations<CallersRepository, String, Known>

  /// - Parameter capacity: tags that are remembered at most, at least 2.
  init(capacity: Int = 8 << 10) { entries = PlacedGenerations(capacity: capacity) }

  /// The number of tags that are remembered.
  var count: Int { entries.count }

  /// Notes what a tag means.
  ///
  /// A header that says the same as the content before it takes nothing from that.
  mutating func note(_ key: Key, _ known: Known) {
    var known = known
    known.isSent = known.isSent || wasSent(key, known.digest)
    entries[key.place, key.tag] = known
  }

  /// Whether a digest is that of the content which was sent for a tag the last time.
  func wasSent(_ key: Key, _ digest: Digest) -> Bool {
    entries[key.place, key.tag].map { $0.isSent && $0.digest == digest } ?? false
  }

  /// Forgets a tag: upstream says that it is not there, or not for that caller; whether it was known.
  mutating func forget(_ key: Key) -> Bool {
    defer { entries[key.place, key.tag] = nil }
    return knows(key)
  }

  /// Forgets all of a repository; whether there was something.
  mutating func forget(_ place: CallersRepository) -> Bool { entries.forget(place) }

  /// Whether it is remembered what a tag meant, however long ago.
  func knows(_ key: Key) -> Bool { entries[key.place, key.tag] != nil }

  /// What may be said of a tag while upstream cannot be asked; nil: nothing.
  ///
  /// - Parameters:
  ///   - staleSeconds: how old it may be; 0: it may not be said at all.
  ///   - now: seconds since 1970.
  func answer(_ key: Key, staleSeconds: Double, now: Double) -> Known? {
    guard staleSeconds > 0, let known = entries[key.place, key.tag],
      now - known.time <= staleSeconds
    else { return nil }
    return known
  }

  // MARK: On the disk

  private struct Line: Codable {
    var registry: String
    var repository: String
    var tag: String
    var digest: String
    var size: Int64
    var time: Double
  }

  /// What anybody was told, a line of JSON for each tag.
  var text: String {
    NotedLines.text(
      entries.all.filter { $0.place.caller == .anonymous }.map { place, tag, known in
        Line(
          registry: place.registry, repository: place.repository, tag: tag,
          digest: "\(known.digest)", size: known.size, time: known.time)
      })
  }

  /// Takes in what was written down; what is damaged, or cannot be, is passed over.
  ///
  /// - Parameter now: seconds since 1970: nothing is younger.
  mutating func read(_ text: String, now: Double) {
    for line in NotedLines.read(Line.self, from: text) {
      guard NotedLines.isRepository(line.repository, of: line.registry),
        Reference.isTag(line.tag), let digest = try? Digest(line.digest), line.size >= 0,
        line.time.isFinite, line.time <= now
      else { continue }
      note(
        Key(
          registry: line.registry, repository: line.repository, tag: line.tag,
          caller: .anonymous),
        Known(digest: digest, size: line.size, time: line.time))
    }
  }
}
