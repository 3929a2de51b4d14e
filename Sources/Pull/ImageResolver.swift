package import FoundationEssentials
package import OCI
package import Registry
import Store

/// From a reference to manifests: fetches, checks and keeps the documents of an image.
package struct ImageResolver: Sendable {
  /// Which images of an index are wanted.
  package enum PlatformChoice: Sendable, Equatable {
    /// The one that serves a platform best; `isExplicit` where the user named it.
    case one(Platform, isExplicit: Bool)
    /// All of them.
    case all

    /// The one that the user named.
    var named: Platform? {
      if case .one(let platform, isExplicit: true) = self { platform } else { nil }
    }
  }

  /// A document with what names it.
  package struct Document: Sendable {
    /// Its media type, digest and size.
    package var descriptor: Descriptor
    /// Its content.
    package var content: ImageDocument
    /// Its bytes as served.
    package var data: Data
    /// Seconds of a round trip to the server, where fetching it opened a connection.
    var roundTripSeconds: Double?
  }

  /// What a reference turned out to be.
  package struct Resolution: Sendable {
    /// What the reference itself names.
    package var root: Document
    /// The manifests that are wanted, with the platform that the index gives each.
    package var manifests: [Document]
    /// Every document on the way, root first.
    package var documents: [Document]
    /// Seconds of a round trip to the registry, where one was seen.
    package var roundTripSeconds: Double?
    /// What was passed over, in words.
    package var notes: [String] = []

    /// Whether the reference itself names a manifest.
    var isWithoutIndex: Bool { if case .manifest = root.content { true } else { false } }
  }

  let client: RepositoryClient
  let load: @Sendable (Digest) -> Data?
  let save: @Sendable (Data, Digest) throws -> Void
  /// The size of a blob that is there already.
  let sizeHere: @Sendable (Digest) -> Int64?

  /// Makes a resolver.
  ///
  /// - Parameters:
  ///   - client: of the repository.
  ///   - load: a document that is there already, checked; nil where there is none.
  ///   - save: keeps a document.
  ///   - sizeHere: the size of a blob that is there already; nil where there is none.
  package init(
    client: RepositoryClient, load: @escaping @Sendable (Digest) -> Data?,
    save: @escaping @Sendable (Data, Digest) throws -> Void,
    sizeHere: @escaping @Sendable (Digest) -> Int64? = { _ in nil }
  ) {
    self.client = client
    self.load = load
    self.save = save
    self.sizeHere = sizeHere
  }

  /// Resolves the client's reference.
  ///
  /// - Parameter choice: which platforms are wanted.
  /// - Throws: `PullError`.
  package func resolve(_ choice: PlatformChoice) async throws(PullError) -> Resolution {
    let root = try await rootDocument()
    var resolution = Resolution(
      root: root, manifests: [], documents: [root], roundTripSeconds: root.roundTripSeconds)
    switch choice {
    case .all: try await collectAll(into: &resolution)
    case .one(let platform, let isExplicit):
      let substitutes = isExplicit ? [] : platform.substitutes(level: Machine.processorLevel)
      try await find(platform, or: substitutes, in: &resolution)
    }
    return resolution
  }

  /// Fetches what the reference names, and nothing below it.
  ///
  /// - Throws: `PullError`.
  package func rootDocument() async throws(PullError) -> Document {
    let reference = client.reference
    if let digest = reference.digest, let data = load(digest) {
      return try await sized(try parse(data, contentType: nil, digest: digest))
    }
    let name: DocumentName =
      reference.digest.map { .digest($0, size: nil) } ?? .tag(reference.manifestSelector)
    let fetched = try await fetch(name)
    var document = try parse(
      fetched.data, contentType: fetched.contentType, digest: fetched.digest)
    document.roundTripSeconds = fetched.roundTripSeconds
    try keep(document)
    return try await sized(document)
  }

  /// A document that an index names: its digest says whether it is the right one, and its size
  /// where the index gives one.
  func childDocument(_ descriptor: Descriptor) async throws(PullError) -> Document {
    let size = descriptor.hasSize ? descriptor.size : nil
    guard size ?? 0 <= Int64(RepositoryClient.documentLimit) else {
      throw .document(
        .invalidDocument(reason: "a manifest of \(descriptor.size) bytes is refused"),
        what: client.reference.description)
    }
    func fits(_ data: Data) -> Bool { size.map { $0 == Int64(data.count) } ?? true }
    if let data = load(descriptor.digest), fits(data) {
      return try await sized(
        try parse(
          data, contentType: descriptor.mediaType, digest: descriptor.digest, in: descriptor))
    }
    var data = descriptor.data
    if let inline = data, try Self.digest(inline, descriptor.digest.algorithm) != descriptor.digest
    {
      data = nil
    }
    if let inline = data, !fits(inline) { data = nil }
    if data == nil {
      data = try await fetch(.digest(descriptor.digest, size: size)).data
    }
    guard let data else {
      throw .integrity("manifest \(descriptor.digest) could not be had")
    }
    let document = try parse(
      data, contentType: descriptor.mediaType, digest: descriptor.digest, in: descriptor)
    try keep(document)
    return try await sized(document)
  }

  private func fetch(_ name: DocumentName) async throws(PullError) -> FetchedDocument {
    do {
      return try await client.document(name)
    } catch {
      // What has the right digest is the image's own fault.
      if case .unusable(let reason, isProven: true) = error.kind {
        throw .document(reason, what: client.reference.description)
      }
      throw PullError(error)
    }
  }

  private func parse(
    _ data: Data, contentType: MediaType?, digest: Digest, in parent: Descriptor? = nil
  ) throws(PullError) -> Document {
    do throws(OCIError) {
      let content = try ImageDocument.parse(data, contentType: contentType)
      var descriptor =
        parent ?? Descriptor(mediaType: content.mediaType, digest: digest, size: Int64(data.count))
      descriptor.mediaType = content.mediaType
      (descriptor.size, descriptor.hasSize) = (Int64(data.count), true)
      descriptor.data = nil
      descriptor.annotations = LayoutIndex.notes(served: descriptor.annotations)
      if case .manifest(let manifest) = content { client.note(manifest, as: digest) }
      return Document(descriptor: descriptor, content: content, data: data)
    } catch {
      throw .document(error, what: client.reference.description)
    }
  }

  private func keep(_ document: Document) throws(PullError) {
    try keep(document.data, document.descriptor.digest)
  }

  /// Keeps a document or a configuration.
  func keep(_ data: Data, _ digest: Digest) throws(PullError) {
    do {
      try save(data, digest)
    } catch {
      throw (error as? StoreError).map { PullError.store($0) } ?? .integrity("\(error)")
    }
  }

  static func digest(_ data: Data, _ algorithm: Digest.Algorithm) throws(PullError)
    -> Digest
  {
    do {
      return try Digest.of(data, algorithm)
    } catch {
      throw .integrity("\(error)")
    }
  }
}
