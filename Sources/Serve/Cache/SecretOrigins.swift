import OCI

/// Which registries gave what to callers with credentials: a registry that nobody named is not
/// believed about it.
///
/// It could say that it has any digest, and its caller would get from the cache what another
/// registry keeps private. So what is secret, or was there before this process, it has to send
/// itself.
struct SecretOrigins: Sendable {
  private struct Entry {
    var registries: Set<String>
    var time: Double
  }

  private var entries: [Digest: Entry] = [:]

  /// Seconds for which an entry stays whose blob is not there (yet).
  private static let grace = 600.0

  /// Notes what was there before: nobody knows who gave it, and to whom.
  mutating func noteUnknown(_ digest: Digest, now: Double) {
    entries[digest] = Entry(registries: [""], time: now)
  }

  /// Whether somebody may share what others brought, or bring; notes what is secret.
  ///
  /// - Parameter now: seconds since 1970.
  mutating func admits(_ asker: CacheAsker, to digest: Digest, now: Double) -> Bool {
    if !asker.isAnybody {
      entries[digest, default: Entry(registries: [], time: now)].registries.insert(asker.registry)
      entries[digest]?.time = now
    }
    guard !asker.isNamed, let entry = entries[digest] else { return true }
    return entry.registries.isSubset(of: [asker.registry])
  }

  /// Forgets what is gone.
  mutating func prune(now: Double, isThere: (Digest) -> Bool) {
    entries = entries.filter { now - $0.value.time < Self.grace || isThere($0.key) }
  }
}
