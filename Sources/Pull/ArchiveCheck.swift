import OCI
import Store

/// Whether an output that takes images only (`docker-archive:`) can hold what is pulled: its configuration
/// must list layers.
///
/// Where a type leaves that open, the configuration is looked at before layers are fetched; where
/// the type says so, before anything is written.
struct ArchiveCheck {
  /// What the output is.
  let transport: OutputTransport
  /// What is pulled.
  let manifest: Manifest
  /// What it is pulled as.
  let reference: Reference

  /// - Returns: nil where there is no such output.
  init?(_ outputs: [OutputTarget], _ wanted: WantedImage, _ reference: Reference) {
    guard let manifest = wanted.manifests.first?.manifest,
      let output = outputs.first(where: \.transport.takesImagesOnly)
    else { return nil }
    transport = output.transport
    self.manifest = manifest
    self.reference = reference
  }

  /// Looks at the configuration where nothing else tells, and keeps it.
  ///
  /// - Throws: `PullError` for an artifact, or where the configuration is not to be had.
  func ahead(_ resolver: ImageResolver) async throws(PullError) {
    guard manifest.isImage == nil else { return }
    guard manifest.isImage(try await resolver.configuration(of: manifest)) else {
      throw .store(transport.noImage)
    }
  }

  /// Looks at the configuration in the store.
  ///
  /// - Throws: `PullError.document` where it is called an image's, and is none, or not this one's.
  func content(in store: ContentStore) throws(PullError) {
    let config = manifest.config
    guard config.mediaType.isImageConfig, config.size <= ContentStore.documentLimit else { return }
    let found = store.document(config.digest).flatMap { ImageConfig(json: $0) }
    guard let found, found.isImage else {
      throw noArchive("is none of an image: it lists no layers of a root file system")
    }
    guard found.layers == manifest.layers.count else {
      throw noArchive(
        "lists \(found.layers) layers of a root file system, its manifest \(manifest.layers.count)")
    }
  }

  /// What is to be said of layers that not every reader of such archives unpacks; nil: nothing.
  ///
  /// They go in as they were served.
  ///
  /// - Source: release notes of Docker Engine 23.0 ("support for pulling zstd compressed layers"):
  ///   `docker load` unpacks layers by the same code.
  ///
  /// - Parameter store: has them.
  func note(in store: ContentStore) -> String? {
    let count = manifest.layers.count { store.content(ofLayer: $0.digest) == .zstd }
    guard count > 0 else { return nil }
    return
      "\(count) of \(manifest.layers.count) layers of \(reference) are packed by zstd, and go into the "
      + "\(transport.word) as they are; \"docker load\" unpacks that since Docker 23.0"
  }

  private func noArchive(_ why: String) -> PullError {
    .document(
      .invalidDocument(
        reason: "its configuration \(manifest.config.digest.short) \(why); nobody could load a "
          + "\(transport.word) of it"),
      what: reference.description)
  }
}
