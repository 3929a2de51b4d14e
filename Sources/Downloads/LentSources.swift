import Registry

/// What those who want a blob have brought, each with the credentials that are his, and whoever it is
/// fetched from now.
struct LentSources {
  /// Whoever is asked first: he who was wanted from first, until another one brings what he does not.
  private(set) var current: BlobSource
  /// Whether nobody else is asked beside: where bytes were wrong, it is to be seen whose they are.
  var isAlone = false
  /// By registry and wanter.
  private var brought: [String: [WanterID: BlobSource]] = [:]
  /// How many wanters have each.
  private var claims: [ObjectIdentifier: Int] = [:]

  init(_ source: BlobSource) { current = source }

  /// Notes what a wanter has brought.
  mutating func add(_ source: BlobSource, of wanter: WanterID) {
    brought[source.registry, default: [:]][wanter] = source
    claims[ObjectIdentifier(source), default: 0] += 1
  }

  /// Takes out what a wanter has brought, who is gone.
  mutating func remove(of wanter: WanterID) -> BlobSource? {
    for registry in brought.keys {
      if let source = brought[registry]?[wanter] {
        drop(source, of: wanter)
        return source
      }
    }
    return nil
  }

  /// Takes out one that has nothing to give, whoever has brought it.
  mutating func remove(_ source: BlobSource) {
    for (wanter, other) in brought[source.registry] ?? [:] where other === source {
      drop(source, of: wanter)
    }
  }

  private mutating func drop(_ source: BlobSource, of wanter: WanterID) {
    brought[source.registry]?[wanter] = nil
    if brought[source.registry]?.isEmpty ?? false { brought[source.registry] = nil }
    let id = ObjectIdentifier(source)
    claims[id] = claims[id].flatMap { $0 > 1 ? $0 - 1 : nil }
  }

  /// Whether it is asked, or may be.
  func has(_ source: BlobSource) -> Bool { source === current || isBrought(source) }

  private func isBrought(_ source: BlobSource) -> Bool { claims[ObjectIdentifier(source)] != nil }

  /// All of them; one that several have brought more than once.
  var all: [BlobSource] { brought.values.flatMap(\.values) + [current] }

  /// One of each other registry, whose servers are asked where those of the current one fail, or are late.
  var others: [BlobSource] {
    guard !isAlone else { return [] }
    return brought.filter { $0.key != current.registry }
      .compactMap { $0.value.min { $0.key < $1.key } }.sorted { $0.key < $1.key }.map(\.value)
  }

  /// Who is asked in place of the current one, where the one who brought that is gone; nil: he is not.
  var heir: BlobSource? {
    guard !isBrought(current) else { return nil }
    // One of the same registry first: another one's bytes are not for those who read this one's.
    let alike = brought[current.registry] ?? [:]
    let heirs = alike.isEmpty ? brought.values.flatMap { $0 } : Array(alike)
    return heirs.min { $0.key < $1.key }?.value
  }

  /// Asks another one first from now on; whether that is one who may be asked.
  mutating func turn(to source: BlobSource) -> Bool {
    guard isBrought(source), !isAlone || !isBrought(current) else { return false }
    current = source
    return true
  }
}
