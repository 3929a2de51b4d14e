import OCI

/// What mirrors send in place of what they should: the next server is asked.
extension Report {
  static let mirrors = documents + blobs + [dripping, mute]

  private static let documents = [
    habit(
      "a mirror that is out of order", "https://github.com/moby/buildkit/issues/1972"
    ) { _, _ in .page(503, "Service Unavailable") },
    habit(
      "a page in place of the manifest", "https://github.com/goharbor/harbor/issues/18530"
    ) { visit, _ in visit.isManifest ? .page(200, "Harbor") : nil },
    habit(
      "a manifest by its tag is called invalid",
      "https://github.com/sonatype/nexus-public/issues/292"
    ) { visit, _ in
      visit.isManifest
        ? Answer(
          400, [("Content-Type", "application/json")],
          #"{"errors":[{"code":"MANIFEST_INVALID","message":"manifest invalid"}]}"#) : nil
    },
    habit(
      "a digest is called invalid", "https://github.com/sonatype/nexus-public/issues/292"
    ) { visit, _ in
      visit.isManifest
        ? Answer(
          400, [("Content-Type", "application/json")],
          #"{"errors":[{"code":"DIGEST_INVALID","message":"digest invalid"}]}"#) : nil
    },
    habit(
      "half a manifest", "https://github.com/docker/for-mac/issues/7658"
    ) { visit, usual in
      visit.isManifest ? usual(visit).with { $0.body.removeLast($0.body.count / 2) } : nil
    },
    habit(
      "other bytes than the digest says", "https://github.com/goharbor/harbor/issues/18530"
    ) { visit, usual in visit.isManifest ? usual(visit).with { $0.body.append(0x20) } : nil },
    habit(
      "an empty manifest", "https://github.com/goharbor/harbor/issues/18530"
    ) { visit, usual in visit.isManifest ? usual(visit).with { $0.body = [] } : nil },
  ]

  private static let blobs = [
    habit(
      "one wrong byte in every blob", "https://github.com/dragonflyoss/dragonfly/issues/4604"
    ) { visit, usual in
      guard visit.isContent, visit.request.range?.lowerBound ?? 0 == 0 else { return nil }
      return usual(visit).with { if let first = $0.body.first { $0.body[0] = first ^ 1 } }
    },
    habit(
      "every blob is empty, chunked", "https://github.com/containerd/containerd/issues/9552"
    ) { visit, _ in
      visit.isContent ? Answer(200).with { $0.isChunked = true } : nil
    },
    habit(
      "every blob has its length and no bytes",
      "https://github.com/distribution/distribution/issues/4191"
    ) { visit, usual in visit.isContent ? usual(visit).with { $0.stop = .cut(0) } : nil },
    habit(
      "a page in place of every blob", "https://github.com/goharbor/harbor/issues/18530"
    ) { visit, _ in visit.isContent ? .page(200, "Welcome") : nil },
  ]

  private static let dripping = Report.habit(
    "the head of a blob comes at once, and then next to nothing",
    "https://github.com/spegel-org/spegel/issues/530", mostRequests: 30
  ) { visit, usual in visit.isContent ? usual(visit).with { $0.stop = .drip(100) } : nil }

  private static let mute = Report.habit(
    "connections are accepted, and nothing is said",
    "https://github.com/containerd/containerd/issues/4861", mostRequests: 12
  ) { _, _ in .mute }
}
