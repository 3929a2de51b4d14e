import FoundationEssentials
import OCI
import Pull
import Registry
import Synchronization

/// Documents and configurations that a command has fetched, so that it fetches none twice.
final class DocumentMemory: Sendable {
  private let known = Mutex<[Digest: Data]>([:])

  func load(_ digest: Digest) -> Data? { known.withLock { $0[digest] } }

  func save(_ data: Data, _ digest: Digest) { known.withLock { $0[digest] = data } }
}

extension ImageResolver {
  /// Makes a resolver that keeps nothing on the disk.
  init(client: RepositoryClient, memory: DocumentMemory) {
    self.init(client: client, load: memory.load, save: memory.save)
  }
}
