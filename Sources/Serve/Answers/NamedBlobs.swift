import OCI
import Synchronization

/// What manifests say of the blobs that they name, for registries that do not say how large a blob
/// is, or have it only once they were asked for the manifest.
///
/// Whoever asks for a blob was given a manifest that names it, by whatever session, and at whatever
/// time: what is known is noted before the manifest is answered, and does not go with what is
/// fetched ahead or with who asked.
final class NamedBlobs: Sendable {
  private struct Key: Hashable {
    var repository: Reference
    var digest: Digest
  }

  private struct Naming {
    var manifest: Digest
    /// In bytes, where the manifest gives it and it did not turn out to be wrong.
    var size: Int64?
  }

  private let namings: Mutex<Generations<Key, Naming>>

  /// - Parameter capacity: blobs that are remembered at most, at least 2; an image has some 30.
  init(capacity: Int = 64 << 10) { namings = Mutex(Generations(capacity: capacity)) }

  /// Notes what a manifest of a repository names.
  ///
  /// - Parameters:
  ///   - manifest: the manifest.
  ///   - digest: its digest.
  ///   - upstream: the repository.
  func note(_ manifest: Manifest, as digest: Digest, in upstream: Upstream) {
    namings.withLock { namings in
      for blob in manifest.blobs {
        namings[Key(repository: upstream.reference, digest: blob.digest)] = Naming(
          manifest: digest, size: blob.hasSize ? blob.size : nil)
      }
    }
  }

  /// The size in bytes of a blob of a repository; nil: no manifest gave it lately.
  func size(of digest: Digest, in upstream: Upstream) -> Int64? {
    naming(digest, in: upstream)?.size
  }

  /// The manifest that names a blob of a repository; nil: none did lately.
  func manifest(naming digest: Digest, in upstream: Upstream) -> Digest? {
    naming(digest, in: upstream)?.manifest
  }

  private func naming(_ digest: Digest, in upstream: Upstream) -> Naming? {
    namings.withLock { $0[Key(repository: upstream.reference, digest: digest)] }
  }

  /// Forgets a size that turned out to be none.
  func forgetSize(of digest: Digest, in upstream: Upstream) {
    namings.withLock { $0[Key(repository: upstream.reference, digest: digest)]?.size = nil }
  }
}
