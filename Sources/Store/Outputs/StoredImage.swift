package import OCI

/// An image that is complete in the store, ready to be written elsewhere.
package struct StoredImage: Sendable {
  /// What an image layout names: an OCI manifest, or an OCI index with everything in it.
  package var root: Descriptor
  /// What the registry serves; another than `root` where that is in words that not every reader knows.
  package var source: Descriptor
  /// The manifests below the root, or the root itself, in a form that readers of a single manifest
  /// know: as served, or OCI's where the served one is neither Docker's nor OCI's throughout.
  package var manifests: [(descriptor: Descriptor, manifest: Manifest)]
  /// Every document from the root down.
  package var documents: [Descriptor]
  /// What it was pulled as.
  package var reference: Reference

  /// Makes a description.
  package init(
    root: Descriptor, source: Descriptor,
    manifests: [(descriptor: Descriptor, manifest: Manifest)],
    documents: [Descriptor], reference: Reference
  ) {
    self.root = root
    self.source = source
    self.manifests = manifests
    self.documents = documents
    self.reference = reference
  }

  /// Documents and blobs, each once.
  var contents: [Descriptor] {
    var seen = Set<Digest>()
    return (documents + manifests.flatMap { $0.manifest.blobs })
      .filter { seen.insert($0.digest).inserted }
  }
}
