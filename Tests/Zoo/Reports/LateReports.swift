/// A fourth look: what was said of dates, encodings and kinds of documents.
extension Report {
  static let latest: [Report] =
    [
      bearer("issued_at is a count of seconds", "https://github.com/moby/moby/pull/20970") {
        $0.document = #"{"token":"TOKEN","expires_in":300,"issued_at":"1457510670"}"#
      },
      bearer(
        "expires_at, a date, in place of expires_in, and issued_at in another form",
        "https://github.com/Katello/katello/pull/10768"
      ) {
        $0.document =
          #"{"token":"TOKEN","expires_at":"2023-10-13T12:06:00Z","issued_at":"2023-10-13 12:00 UTC"}"#
      },
    ] + encodings + kinds + sites + [filling, taggedAlone]

  private static let encodings = [
    habit(
      "documents are called compressed and are not",
      "https://github.com/docker-archive/docker-registry/issues/369"
    ) { visit, usual in
      visit.isManifest ? usual(visit).with { $0["Content-Encoding"] = "gzip" } : nil
    },
    habit(
      "everything is called compressed and is not",
      "https://github.com/docker-archive/docker-registry/issues/369"
    ) { visit, usual in usual(visit).with { $0["Content-Encoding"] = "gzip" } },
  ]

  private static let kinds = [
    habit(
      "a cache calls every index a Docker list, whatever the document says",
      "https://github.com/goharbor/harbor/issues/15837"
    ) { visit, usual in
      guard visit.isManifest else { return nil }
      return usual(visit).with {
        if $0["Content-Type"]?.contains("index") == true {
          $0["Content-Type"] = "application/vnd.docker.distribution.manifest.list.v2+json"
        }
      }
    },
    habit(
      "there is no manifest for who does not accept any type",
      "https://github.com/concourse/docker-image-resource/issues/40"
    ) { visit, _ in
      let accepted = visit.request.fields.filter { $0.name.lowercased() == "accept" }
      return visit.isManifest && !accepted.contains { $0.value == "*/*" } ? Answer(406) : nil
    },
  ]

  /// A registry that leads to a web site, which knows nothing of images.
  private static let sites = [
    habit(
      "manifests are led to a web site that has no such page, once",
      "https://github.com/fluxcd/source-controller/issues/2050"
    ) { visit, _ in led(visit, isOver: visit.nth > 1) }
  ]

  /// The same for ever.
  static let site = Report.habit(
    "manifests are led to a web site that has no such page",
    "https://github.com/fluxcd/source-controller/issues/2050"
  ) { visit, _ in led(visit, isOver: false) }

  private static func led(_ visit: Visit, isOver: Bool) -> Answer? {
    if visit.door == .storage, visit.part == .other { return .page(404, "Page not found") }
    guard visit.isManifest, !isOver else { return nil }
    return Answer(307, [("Location", visit.url(.storage, "/-/packages"))])
  }

  /// Whoever wants the blob may have its manifest from elsewhere.
  static let filling = Report.habit(
    "a cache has a blob only once a manifest was fetched there by its digest",
    "https://github.com/conda/rattler/pull/2653"
  ) { visit, _ in visit.isContent && visit.manifests == 0 ? ErrorDialect().answer(404) : nil }

  /// A digest is known there once the tag was asked for that has it.
  static let taggedAlone = taggedAlone(404)

  /// The same, with another status for what is not known by its digest.
  static func taggedAlone(_ status: Int) -> Report {
    .habit(
      "a cache gets an image by its tag, and never by its digest",
      "https://github.com/aws/containers-roadmap/issues/2837"
    ) { visit, _ in
      guard case .manifest(let name) = visit.part, visit.nthOfKind == 1, name.contains(":") else {
        return nil
      }
      return ErrorDialect(words: [status: "Requested image not found"]).answer(status)
    }
  }
}
