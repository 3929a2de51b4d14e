import FoundationEssentials
import OCI
import Registry
import Store
import Synchronization
import Transfer

/// An image's configuration ahead of its layers, where it has to tell what the image is for.
extension ImageResolver {
  /// Tries before a configuration is given up.
  private static let configurationTries = 4

  /// What a manifest's configuration says; it is kept, and not fetched again with the layers.
  ///
  /// - Parameter manifest: a manifest of the client's repository.
  /// - Returns: nil where it is none of an image, or larger than one could be.
  /// - Throws: `PullError`.
  func configuration(of manifest: Manifest) async throws(PullError) -> ImageConfig? {
    try await configurationData(of: manifest).flatMap { ImageConfig(json: $0) }
  }

  /// A manifest's configuration as it is served; nil where it is larger than one of an image could be.
  func configurationData(of manifest: Manifest) async throws(PullError) -> Data? {
    let blob = manifest.config
    guard blob.size > 0, blob.size <= ContentStore.documentLimit else { return nil }
    if let data = load(blob.digest) { return data }
    if let inline = blob.contentAtHand,
      try Self.digest(inline, blob.digest.algorithm) == blob.digest
    {
      return inline
    }
    let source = BlobSource(client: client)
    let data: Data
    do throws(PullError) {
      data = try await fetch(blob, from: source)
    } catch {
      await source.close()
      throw error
    }
    await source.close()
    try keep(data, blob.digest)
    return data
  }

  private func fetch(_ blob: Descriptor, from source: BlobSource) async throws(PullError) -> Data {
    var failure = PullError.integrity("the configuration \(blob.digest) cannot be had")
    for attempt in 0..<Self.configurationTries {
      if attempt > 0 { try await pause(attempt) }
      let sink = MemorySink()
      let window = FileWindow(0..<blob.size) { chunk, _ in sink.append(chunk) }
      let request = BlobSource.Request(
        blob: blob, range: 0..<blob.size, ranged: false, window: window)
      await source.fetch(request) { event in
        if case .ended(.failure(let error)) = event { sink.fail(error) }
      }
      if let error = sink.failure {
        if case .transfer(let cause) = error.kind, cause.kind == .cancelled {
          throw .interrupted(done: 0, size: 0)
        }
        failure = .registry(error)
        // Wrong bytes may come right the second time, and are looked at then.
        guard error.isTransient || error.kind == .integrity && attempt == 0 else { break }
        continue
      }
      let data = sink.data
      let found = try Self.digest(data, blob.digest.algorithm)
      if found == blob.digest { return data }
      let senders = source.blame(blob).senders.joined(separator: " and ")
      failure = .integrity("\(senders) sent \(found) for configuration \(blob.digest)")
    }
    throw failure
  }

  private func pause(_ attempt: Int) async throws(PullError) {
    do {
      try await Task.sleep(for: .milliseconds(250 << min(attempt, 4)))
    } catch {
      throw .interrupted(done: 0, size: 0)
    }
  }
}

/// Where a small blob goes that nobody wants on the disk yet.
private final class MemorySink: Sendable {
  private let state = Mutex<(data: Data, failure: RegistryError?)>((Data(), nil))

  /// Takes the next bytes; a window brings them in order, each once, and no more than it has room for.
  func append(_ chunk: UnsafeRawBufferPointer) -> Int32 {
    state.withLock { $0.data.append(contentsOf: chunk) }
    return 0
  }

  func fail(_ error: RegistryError) { state.withLock { $0.failure = error } }

  var data: Data { state.withLock { $0.data } }
  var failure: RegistryError? { state.withLock { $0.failure } }
}
