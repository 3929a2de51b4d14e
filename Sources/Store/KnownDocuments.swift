import OCI
import Synchronization

/// What was found in a store while it is looked after.
///
/// Many images, and many names, lead to the same documents, each of which is read once. It holds so
/// much, and then begins anew: more than that costs another reading, not more memory. Who takes a
/// lock forgets what was seen before.
final class KnownDocuments: Sendable {
  /// What a blob's content is.
  enum Content: Sendable {
    case index(Index)
    case manifest(Manifest)
    /// Something that is right, and no document.
    case other
    /// Something that is not there, is not what its name says, or is too large for a document.
    case unreadable
  }

  private struct State {
    var contents: [Digest: Content] = [:]
    /// Bytes of the documents in `contents`.
    var bytes = 0
    var sizes: [Digest: Int64?] = [:]
    var reaches: [Digest: StoreMaintenance.Reach] = [:]
    /// Sizes in all of `reaches`.
    var reached = 0
    var readings = 0
  }

  private let store: ContentStore
  private let state = Mutex(State())

  private static let mostBytes = 64 << 20
  private static let mostSizes = 1 << 20

  init(of store: ContentStore) { self.store = store }

  /// How often a file was read.
  var readings: Int { state.withLock { $0.readings } }

  /// Forgets everything: the store may be another by now.
  func forget() {
    state.withLock { state in
      let readings = state.readings
      state = State()
      state.readings = readings
    }
  }

  /// What a blob turns out to be.
  func content(of digest: Digest) -> Content {
    if let known = state.withLock({ $0.contents[digest] }) { return known }
    let data = store.document(digest)
    let content: Content =
      switch data.map({ try? ImageDocument.parse($0, contentType: nil) }) {
      case .index(let index)??: .index(index)
      case .manifest(let manifest)??: .manifest(manifest)
      case .some(nil): .other
      case nil: .unreadable
      }
    state.withLock { state in
      state.readings += 1
      state.bytes += data?.count ?? 0
      if state.bytes > Self.mostBytes || state.contents.count >= Self.mostSizes {
        state.contents = [:]
        state.bytes = data?.count ?? 0
      }
      state.contents[digest] = content
    }
    return content
  }

  /// The size of a blob's file in bytes; nil where there is none.
  func size(of digest: Digest) -> Int64? {
    if let known = state.withLock({ $0.sizes[digest] }) { return known }
    let size = store.size(of: digest)
    state.withLock { state in
      if state.sizes.count >= Self.mostSizes { state.sizes = [:] }
      state.sizes[digest] = .some(size)
    }
    return size
  }

  /// What whatever names a document needs.
  func reach(
    of digest: Digest, _ walk: () -> StoreMaintenance.Reach
  ) -> StoreMaintenance.Reach {
    if let known = state.withLock({ $0.reaches[digest] }) { return known }
    let reach = walk()
    state.withLock { state in
      state.reached += reach.sizes.count
      if state.reached > Self.mostSizes {
        state.reaches = [:]
        state.reached = reach.sizes.count
      }
      state.reaches[digest] = reach
    }
    return reach
  }
}
