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
}
