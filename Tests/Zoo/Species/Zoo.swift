/// All animals, and what `docs/zoo.md` says of them.
enum Zoo {
  /// What images are pulled from.
  static let registries: [Animal] = [
    .dockerHub, .ghcr, .quay, .quayCache, .gitLab, .harbor1, .harbor2, .artifactory, .nexus, .ecr,
    .artifactRegistry, .acr, .distribution2, .distribution3, .zot, .gitea, .craneRegistry,
    .staticS3,
    .pythonServer,
  ]

  /// What stands between.
  static let between: [Animal] = [
    .corporateProxy, .cloudflare, .portalPage, .portal511, .squid, .squidDenies, .squidAsks, .envoy,
  ]

  /// A plain registry, for the other side of a mirror.
  static let plain = Animal("a plain registry", "", facts: [])

  /// The table of `docs/zoo.md`, in Markdown.
  static var table: String {
    var lines = ["| animal | what is special about it | where that is written |", "|---|---|---|"]
    for animal in registries + between {
      var seen: Set<String> = []
      let sources = animal.facts.map(\.source).filter { seen.insert($0).inserted }
      let links = sources.enumerated().map { "[\($0 + 1)](\($1))" }.joined(separator: " ")
      lines.append("| \(animal.name) | \(animal.special) | \(links) |")
    }
    return lines.joined(separator: "\n")
  }

  /// What single threads of other pullers report, as that page lists it.
  static var threads: String {
    var lines = ["| thread | what is served |", "|---|---|"]
    let facts = Report.all.compactMap(\.animal.facts.last)
    var words: [String: [String]] = [:]
    for fact in facts { words[fact.source, default: []].append(fact.words) }
    for (source, words) in words.sorted(by: { $0.key < $1.key }) where isThread(source) {
      let parts = source.split(separator: "/").suffix(4)
      let name = parts.prefix(2).joined(separator: "/") + "#" + (parts.last ?? "")
      let more = words.count > mostWords ? "; and \(words.count - mostWords) more" : ""
      let said = words.prefix(mostWords).joined(separator: "; ")
      lines.append("| [\(name)](\(source)) | \(said)\(more) |")
    }
    return lines.joined(separator: "\n")
  }

  /// The most habits of one thread that are listed.
  private static let mostWords = 3

  private static func isThread(_ source: String) -> Bool {
    source.contains("/issues/") || source.contains("/pull/")
  }
}
