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
  ///   - source: fetches them.
  ///   - circle: who believe the registry.
  func begin(
    _ digest: Digest, _ manifest: Manifest, _ upstream: Upstream, from source: BlobSource,
    in circle: Circle
  ) async {
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
    let roomy = blobs.compactMap { blob -> (blob: Descriptor, hold: CacheHold)? in
      cache.room(for: blob, in: circle).map { (blob, $0) }
    }
    let wishes = roomy.map { blob, _ in
      var wish = Wish(
        Descriptor(mediaType: blob.mediaType, digest: blob.digest, size: blob.size),
        label: "blob", owner: upstream.reference.repository)
      cache.note(&wish, in: circle)
      return wish
    }
    let wanted = await downloads.want(wishes, from: source, urgency: .ahead)
    let mustSweep = state.withLock { state in
      for (room, download) in zip(roomy, wanted) {
        state.images[key]?.waiting[room.blob.digest] = (download, room.hold)
      }
      defer { state.isSweeping = true }
      return !state.isSweeping
    }
    if mustSweep { sweep() }
  }

  /// Notes that a blob is read, until what is returned is gone; to be called when it is wanted by its reader.
  ///
  /// - Returns: nil where it is of no image that is ahead.
  func read(_ blob: Digest, in circle: Circle) -> Reading? {
    let (images, dropped) = state.withLock {
      state -> ([Key], [(download: Download, hold: CacheHold)]) in
      let images = state.images.filter { $0.key.circle == circle && $0.value.blobs.contains(blob) }
        .map(\.key)
      let dropped = images.compactMap { image -> (download: Download, hold: CacheHold)? in
        state.images[image]?.readers += 1
        return state.images[image]?.waiting.removeValue(forKey: blob)
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
