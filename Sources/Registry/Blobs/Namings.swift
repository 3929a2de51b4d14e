package import OCI
import Synchronization

/// Which manifests name a repository's blobs, and who has given them lately.
///
/// A registry that fills itself as it is asked, as a pull-through cache does, may have a blob only once the
/// manifest that names it was fetched there; and whoever wants the blob may have the manifest from elsewhere.
/// So an endpoint that lacks a blob is asked for its manifest, and then for the blob again.
///
/// | a manifest was | when a blob of it is missing there |
/// |---|---|
/// | not asked for there | it is asked for, and who comes meanwhile waits |
/// | given there since the blob was asked for | the blob is asked for again |
/// | asked for before the blob was, within a minute | it does not help |
final class Namings: Sendable {
  private struct Question: Hashable {
    let endpoint: Endpoint
    let manifest: Digest
  }

  private struct Asking {
    let task: Task<Bool, Never>
    var waiters = 1
  }

  private struct State {
    var manifests: [Digest: Digest] = [:]
    var underway: [Question: Asking] = [:]
    /// What came of asking for manifests, and when.
    var asked: [Question: (isGiven: Bool, at: Double)] = [:]
  }

  private let time: Timekeeper
  private let state = Mutex(State())

  /// Blobs of which it is known who names them, at most: an image has some 30.
  private static let mostBlobs = 64 << 10
  /// Seconds for which an endpoint is not asked again for the same manifest.
  private static let lifetime = 60.0

  init(time: Timekeeper) { self.time = time }

  /// Notes that a manifest names blobs.
  func note(_ blobs: some Sequence<Digest>, in manifest: Digest) {
    state.withLock { state in
      if state.manifests.count >= Self.mostBlobs { state.manifests = [:] }
      for blob in blobs { state.manifests[blob] = manifest }
    }
  }

  /// The manifest that named a blob last; nil: none is known.
  func manifest(naming blob: Digest) -> Digest? { state.withLock { $0.manifests[blob] } }

  /// Whether an endpoint that lacks a blob has given its manifest since it was asked for the blob.
  ///
  /// - Parameters:
  ///   - manifest: names the blob.
  ///   - endpoint: who lacks it.
  ///   - began: when the blob was asked for.
  ///   - ask: asks for the manifest; cancelled once nobody waits for it.
  func isGiven(
    _ manifest: Digest, by endpoint: Endpoint, since began: Double,
    _ ask: @escaping @Sendable () async -> Bool
  ) async -> Bool {
    let question = Question(endpoint: endpoint, manifest: manifest)
    let now = time.seconds()
    let (task, known) = state.withLock { state -> (Task<Bool, Never>?, Bool) in
      if let asking = state.underway[question] {
        state.underway[question]?.waiters += 1
        return (asking.task, false)
      }
      if let asked = state.asked[question], now - asked.at < Self.lifetime {
        return (nil, asked.isGiven && asked.at >= began)
      }
      let task = Task {
        let isGiven = await ask()
        if !Task.isCancelled { self.note(question, isGiven: isGiven) }
        return isGiven
      }
      state.underway[question] = Asking(task: task)
      return (task, false)
    }
    guard let task else { return known }
    return await withTaskCancellationHandler {
      await task.value
    } onCancel: {
      leave(question)
    }
  }

  /// Notes that an endpoint has given a manifest.
  func noteGiven(_ manifest: Digest, by endpoint: Endpoint) {
    note(Question(endpoint: endpoint, manifest: manifest), isGiven: true)
  }

  private func note(_ question: Question, isGiven: Bool) {
    let now = time.seconds()
    state.withLock { state in
      state.underway[question] = nil
      state.asked = state.asked.filter { now - $0.value.at < Self.lifetime }
      state.asked[question] = (isGiven, now)
    }
  }

  private func leave(_ question: Question) {
    state.withLock { state in
      state.underway[question]?.waiters -= 1
      guard let asking = state.underway[question], asking.waiters == 0 else { return }
      state.underway[question] = nil
      asking.task.cancel()
    }
  }
}

extension RepositoryClient {
  /// Notes that a manifest of the repository names blobs, wherever it came from.
  package func note(_ manifest: Manifest, as digest: Digest) {
    namings.note(manifest.blobs.lazy.map(\.digest), in: digest)
  }

  /// Notes that a manifest of the repository names a blob.
  package func note(_ blob: Digest, namedBy manifest: Digest) { namings.note([blob], in: manifest) }

  /// Asks an endpoint for a blob; where it has none, for the manifest that names it, and then for
  /// the blob once more.
  ///
  /// - Parameters:
  ///   - blob: what is asked for.
  ///   - endpoint: who is asked.
  ///   - ask: asks for the blob.
  func asking<Answer: Sendable>(
    for blob: Digest, at endpoint: Endpoint,
    _ ask: () async throws(RegistryError) -> Answer
  ) async throws(RegistryError) -> Answer {
    let began = time.seconds()
    do throws(RegistryError) {
      return try await ask()
    } catch {
      guard error.kind == .notFound, let manifest = namings.manifest(naming: blob),
        await namings.isGiven(
          manifest, by: endpoint, since: began, { await self.gives(manifest, endpoint) })
      else { throw error }
    }
    return try await ask()
  }

  /// Whether an endpoint gives a manifest now.
  private func gives(_ manifest: Digest, _ endpoint: Endpoint) async -> Bool {
    // Who said before that it has none need not say so again.
    guard ledger.reasons([endpoint], for: manifest.description).isEmpty else { return false }
    let server = endpoint.origin.authority
    tell(.detail("\(server) lacks a blob, and is asked for the manifest \(manifest.short)"))
    let document = try? await exchange(
      endpoint, .digest(manifest, size: nil), fields: Self.acceptedManifests,
      patience: headTimeout(stalls: 0))
    return document != nil
  }
}
