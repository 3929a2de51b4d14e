import FoundationEssentials
import OCI
import Store
import Text

/// When each blob of a cache was used last, as it is written down: `uses` in its folder, a line for each.
///
/// It need not be exact: what is missing was used when its file came.
struct CacheUses: Sendable, Equatable {
  /// Seconds since 1970.
  var times: [Digest: Double] = [:]

  private static let name = "serve-uses"
  private static let limit: Int64 = 16 << 20

  init(times: [Digest: Double]) { self.times = times }

  /// Reads lines of a digest and whole seconds; what is no such line is passed over.
  init(parsing text: String) {
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: " ")
      guard parts.count == 2, let digest = try? Digest(String(parts[0])),
        let seconds = UInt32(parts[1])
      else { continue }
      times[digest] = Double(seconds)
    }
  }

  /// The lines, in order.
  var text: String {
    times.map { "\($0.key) \(UInt32(clamping: Int64(exactly: $0.value.rounded()) ?? 0))\n" }
      .sorted().joined()
  }

  init(readingFrom store: ContentStore) {
    let bytes = store.note(Self.name, limit: Self.limit) ?? []
    self.init(parsing: String(outside: bytes))
  }

  func write(to store: ContentStore) { store.setNote(Self.name, Array(text.utf8)) }
}
