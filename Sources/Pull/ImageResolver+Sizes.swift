import OCI
import Registry

/// Sizes that a manifest leaves out.
///
/// containerd fetches such blobs and lets the digest decide; skopeo and crane read the size as 0
/// and fail. Without a size there is no progress, no ranges and no bound, so the server is asked
/// for it, and what it says is what the manifest might have said: the digest decides all the same.
/// A size that is given and wrong is refused, as all three do.
extension ImageResolver {
  /// Sizes that are asked for at a time.
  private static let parallelQuestions = 6

  /// The document with all sizes.
  ///
  /// - Throws: `PullError`, where nobody says how large something is.
  func sized(_ document: Document) async throws(PullError) -> Document {
    guard case .manifest(let manifest) = document.content, !manifest.unsized.isEmpty else {
      return document
    }
    var document = document
    document.content = .manifest(manifest.sized(try await sizes(of: manifest.unsized)))
    return document
  }

  private func sizes(of blobs: [Descriptor]) async throws(PullError) -> [Digest: Int64] {
    let source = BlobSource(client: client)
    let sizes = await withTaskGroup(of: (Digest, Result<Int64, RegistryError>).self) { group in
      var sizes: [Digest: Result<Int64, RegistryError>] = [:]
      var rest = blobs[...]
      func askNext() {
        guard let digest = rest.popFirst()?.digest else { return }
        group.addTask { (digest, await self.size(of: digest, from: source)) }
      }
      for _ in 0..<Self.parallelQuestions { askNext() }
      while let (digest, size) = await group.next() {
        sizes[digest] = size
        guard case .success = size else { break }
        askNext()
      }
      group.cancelAll()
      return sizes
    }
    await source.close()
    do throws(RegistryError) {
      var learnt: [Digest: Int64] = [:]
      for (digest, size) in sizes { learnt[digest] = try size.get() }
      return learnt
    } catch {
      throw PullError(error)
    }
  }

  private func size(of digest: Digest, from source: BlobSource) async -> Result<
    Int64, RegistryError
  > {
    if let size = sizeHere(digest) { return .success(size) }
    do throws(RegistryError) {
      return .success(try await source.glimpse(of: digest).size)
    } catch {
      return .failure(error)
    }
  }
}
