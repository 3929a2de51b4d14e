import Downloads
import OCI
import Registry
import Synchronization

/// Blobs that a manifest names and nobody has asked for yet: they are fetched ahead of need.
///
/// ```
/// begun -> asked      somebody asked for one of its blobs: that one is the asker's from then on
/// begun, asked -> over   nobody reads one of its blobs, and nobody has asked for one for a while
/// ```
/// A manifest may claim anything of its blobs: they come into room that is free, one after the other. What
/// others have in the cache goes for one only when upstream has sent its first bytes, and not for the claim.
///
/// Who asks for a manifest may only want to look at it, or have most of its layers already: what is
/// ahead ends soon after the last who took an interest. A client that leaves takes what it read
/// with it.
final class Ahead: Sendable {
  /// An image as those know it who believe each other.
  fileprivate struct Key: Hashable {
    let circle: Circle
    let manifest: Digest
  }

  /// One image's.
  struct Image {
    var waiting: [Digest: (download: Download, hold: CacheHold)] = [:]
    /// Those that it names.
    let blobs: Set<Digest>
    var readers = 0
    var lastInterest: ContinuousClock.Instant

    /// Whether it is let go.
    func isOver(now: ContinuousClock.Instant, patience: Duration) -> Bool {
      readers == 0 && now - lastInterest >= patience
    }
  }

  private struct State {
    var images: [Key: Image] = [:]
    var isSweeping = false
  }

  private let downloads: Downloads
  private let cache: CacheKeeper
  private let patience: Duration
  private let state = Mutex(State())

  /// Images at a time: those that come when there are as many wait for their clients to ask.
  private static let mostImages = 32
  /// Blobs of an image at most: no runtime can mount more layers, and nothing that a manifest names beyond
  /// that is fetched before somebody asks for it.
  private static let mostBlobs = 512

  /// - Parameters:
  ///   - downloads: fetches them.
  ///   - cache: has room for them, or not: then they wait for their clients to ask.
  ///   - patience: how long nobody may take an interest in an image.
  init(_ downloads: Downloads, _ cache: CacheKeeper, patience: Duration = .seconds(10)) {
    self.downloads = downloads
    self.cache = cache
    self.patience = patience
  }

  /// Begins with an image's blobs, in the order of its manifest.
  ///
  /// - Parameters:
  ///   - digest: of the manifest.
  ///   - manifest: names the blobs; other places that it names for them are not asked.
  ///   - upstream: where it is, for words.
  ///   - session: fetches them, as whom it is of.
  func begin(
    _ digest: Digest, _ manifest: Manifest, _ upstream: Upstream, as session: any ServeSession
  ) async {
    let circle = session.circle
    guard manifest.isImage != false else { return }
    let blobs = Array(manifest.blobs.lazy.filter(\.hasSize).prefix(Self.mostBlobs))
    let key = Key(circle: circle, manifest: digest)
    let isNew = state.withLock { state in
      if state.images[key] != nil {
        state.images[key]?.lastInterest = .now
        return false
      }
      guard state.images.count < Self.mostImages else { return false }
      state.images[key] = Image(blobs: Set(blobs.map(\.digest)), lastInterest: .now)
      return true
    }
    guard isNew else { return }
    var (roomy, cramped): ([(blob: Descriptor, hold: CacheHold)], [Descriptor]) = ([], [])
    for blob in blobs {
      switch cache.room(for: blob, in: circle, evicting: false) {
      case .room(let hold): roomy.append((blob, hold))
      case .none: cramped.append(blob)
      case .isHere: break
      }
    }
    let wishes = roomy.map { wish(for: $0.blob, upstream, in: circle) }
    let wanted = await downloads.want(wishes, from: session.source, urgency: .ahead)
    let mustSweep = state.withLock { state in
      for (room, download) in zip(roomy, wanted) {
        state.images[key]?.waiting[room.blob.digest] = (download, room.hold)
      }
      defer { state.isSweeping = true }
      return !state.isSweeping
    }
    if mustSweep { sweep() }
    for blob in cramped { await begin(blob, of: key, upstream, as: session) }
  }

  /// Begins with a blob for which something else may have to go: its registry has to send some of it first.
  private func begin(
    _ blob: Descriptor, of key: Key, _ upstream: Upstream, as session: any ServeSession
  ) async {
    guard state.withLock({ $0.images[key] != nil }),
      // Whoever reads it has found room for it, or none.
      await !downloads.isWanted(blob.digest, in: key.circle),
      cache.mayHold(blob),
      let glimpse = try? await session.source.glimpse(
        of: blob.digest, count: Answerer.firstBytes, expecting: blob.size),
      glimpse.size == blob.size, glimpse.offset == 0,
      Int64(glimpse.bytes.count) == min(Answerer.firstBytes, blob.size)
    else { return }
    session.grant(blob.digest, size: blob.size)
    guard case .room(let hold) = cache.room(for: blob, in: key.circle, evicting: true) else {
      return
    }
    var wish = wish(for: blob, upstream, in: key.circle)
    wish.glimpse = (glimpse.offset, glimpse.bytes)
    let wanted = await downloads.want([wish], from: session.source, urgency: .ahead)
    state.withLock { state in
      if let download = wanted.first {
        state.images[key]?.waiting[blob.digest] = (download, hold)
      }
    }
  }

  private func wish(for blob: Descriptor, _ upstream: Upstream, in circle: Circle) -> Wish {
    var wish = Wish(
      Descriptor(mediaType: blob.mediaType, digest: blob.digest, size: blob.size),
      label: "blob", owner: upstream.reference.repository)
    cache.note(&wish, in: circle)
    return wish
  }

  /// Lets go of what is ahead and has brought nothing, for whoever reads something and finds no room: who
  /// only claims, and then sends nothing, keeps none.
  func giveWay() {
    let dropped = state.withLock { state in
      var dropped: [(download: Download, hold: CacheHold)] = []
      for (key, image) in state.images {
        for (digest, blob) in image.waiting where blob.download.progress.done == 0 {
          dropped.append(blob)
          state.images[key]?.waiting[digest] = nil
        }
      }
      return dropped
    }
    // Let go of outside of the lock.
    withExtendedLifetime(dropped) {}
  }

  /// Notes that a blob is read, until what is returned is gone; to be called when it is wanted by its reader.
  ///
  /// - Parameters:
  ///   - blob: which one.
  ///   - circle: of its reader.
  ///   - isPart: whether it is no more than a part that is read: the rest is as far ahead as before.
  /// - Returns: nil where it is of no image that is ahead.
  func read(_ blob: Digest, in circle: Circle, isPart: Bool) -> Reading? {
    let (images, dropped) = state.withLock {
      state -> ([Key], [(download: Download, hold: CacheHold)]) in
      let images = state.images.filter { $0.key.circle == circle && $0.value.blobs.contains(blob) }
        .map(\.key)
      let dropped = images.compactMap { image -> (download: Download, hold: CacheHold)? in
        state.images[image]?.readers += 1
        return isPart ? nil : state.images[image]?.waiting.removeValue(forKey: blob)
      }
      return (images, dropped)
    }
    // Let go of outside of the lock.
    withExtendedLifetime(dropped) {}
    return images.isEmpty ? nil : Reading(images, of: self)
  }

  fileprivate func ended(_ images: [Key]) {
    state.withLock { state in
      for image in images {
        state.images[image]?.readers -= 1
        state.images[image]?.lastInterest = .now
      }
    }
  }

  /// Looks now and then who is over, as long as there is somebody.
  private func sweep() {
    Task {
      while true {
        try? await Task.sleep(for: patience / 4)
        let (over, isDone) = state.withLock { state -> ([Image], Bool) in
          let now = ContinuousClock.now
          let over = state.images.filter { $0.value.isOver(now: now, patience: patience) }
          for image in over.keys { state.images[image] = nil }
          if state.images.isEmpty { state.isSweeping = false }
          return (Array(over.values), state.images.isEmpty)
        }
        withExtendedLifetime(over) {}
        if isDone { return }
      }
    }
  }

  /// That somebody reads a blob.
  final class Reading: Sendable {
    private let images: [Key]
    private let ahead: Ahead

    fileprivate init(_ images: [Key], of ahead: Ahead) {
      self.images = images
      self.ahead = ahead
    }

    deinit { ahead.ended(images) }
  }
}
