import OCI
import Synchronization

/// The sizes of blobs by the manifests that name them, for registries that do not say how large a
/// blob is.
///
/// Whoever asks for a blob was given a manifest that names it, by whatever session, and at whatever
/// time: what is known is noted before the manifest is answered, and does not go with what is
/// fetched ahead or with who asked.
final class NamedSizes: Sendable {
  private struct Key: Hashable {
    var repository: Reference
    var digest: Digest
  }

  private let sizes: Mutex<Generations<Key, Int64>>

  /// - Parameter capacity: blobs that are remembered at most, at least 2; an image has some 30.
  init(capacity: Int = 64 << 10) { sizes = Mutex(Generations(capacity: capacity)) }

  /// Notes what a manifest of a repository names.
  func note(_ manifest: Manifest, in upstream: Upstream) {
    sizes.withLock { sizes in
      for blob in manifest.blobs where blob.hasSize {
        sizes[Key(repository: upstream.reference, digest: blob.digest)] = blob.size
      }
    }
  }

  /// The size in bytes of a blob of a repository; nil: no manifest named it lately.
  func size(of digest: Digest, in upstream: Upstream) -> Int64? {
    sizes.withLock { $0[Key(repository: upstream.reference, digest: digest)] }
  }

  /// Forgets a size that turned out to be none.
  func forget(_ digest: Digest, in upstream: Upstream) {
    sizes.withLock { $0[Key(repository: upstream.reference, digest: digest)] = nil }
  }
}
