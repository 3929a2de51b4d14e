import Support

/// A second look at what people met: lengths, ranges, places and types that mean something else
/// than they say.
extension Report {
  static let wild: [Report] = lengths + parts + places + waits + kinds

  private static let http = "https://www.rfc-editor.org/rfc/rfc9110"

  private static let lengths = [
    habit(
      "nothing says how long it is", "https://github.com/containerd/containerd/issues/5124"
    ) { visit, usual in usual(visit).with { $0.isChunked = true } },
    habit(
      "each answer breaks off after 40,000 bytes",
      "https://github.com/podman-container-tools/podman/issues/18142"
    ) { visit, usual in
      guard visit.isContent else { return nil }
      let answer = usual(visit)
      return answer.body.count > 40_000 ? answer.with { $0.stop = .cut(40_000) } : answer
    },
    habit(
      "what is asked for as a whole breaks off at one and the same byte",
      "https://github.com/rpardini/docker-registry-proxy/issues/90"
    ) { visit, usual in
      guard visit.isContent, visit.request["range"] == nil else { return nil }
      return usual(visit).with { $0.stop = .cut(500) }
    },
    habit(
      "the first answer to each blob has a length and no bytes",
      "https://github.com/distribution/distribution/issues/2367"
    ) { visit, usual in
      visit.isContent && visit.nth == 1 ? usual(visit).with { $0.stop = .cut(0) } : nil
    },
    habit(
      "the last byte of the first whole answer is missing, and its length fits that",
      "https://github.com/moby/buildkit/issues/2568"
    ) { visit, usual in
      guard visit.isContent, visit.nth == 1 else { return nil }
      return usual(visit.asking { $0.drop("Range") }).with {
        if !$0.body.isEmpty { $0.body.removeLast() }
      }
    },
  ]

  /// Changes what a part says of itself.
  private static func part(
    _ words: String, _ section: String,
    _ change: @escaping @Sendable (inout Answer) -> Void
  ) -> Report {
    habit(words, http + section) { visit, usual in
      let answer = usual(visit)
      return visit.isContent && answer.status == 206 ? answer.with(change) : nil
    }
  }

  private static let parts = [
    part("the part is named without a unit", "#section-14.4") { answer in
      answer["Content-Range"] = answer["Content-Range"]?.replacing("bytes ", with: "")
    },
    part("the part is named with an equals sign", "#section-14.4") { answer in
      answer["Content-Range"] = answer["Content-Range"]?.replacing("bytes ", with: "bytes=")
    },
    part("the size of the part stands for the size of all", "#section-14.4") { answer in
      let range = answer["Content-Range"]?.prefix { $0 != "/" } ?? ""
      answer["Content-Range"] = "\(range)/\(answer.body.count)"
    },
    part("one part comes as one of several", "#section-14.6") { answer in
      let range = answer["Content-Range"] ?? ""
      answer["Content-Range"] = nil
      answer["Content-Type"] = "multipart/byteranges; boundary=X"
      answer.body =
        Array("\r\n--X\r\nContent-Range: \(range)\r\n\r\n".utf8) + answer.body
        + Array("\r\n--X--\r\n".utf8)
    },
    part("no part has more than 20,000 bytes", "#section-14.2") { answer in
      guard answer.body.count > 20_000, let range = answer["Content-Range"],
        let start = range.split(separator: " ").last?.split(separator: "-").first
          .flatMap({ Int($0) })
      else { return }
      let size = range.split(separator: "/").last ?? ""
      answer.body.removeLast(answer.body.count - 20_000)
      answer["Content-Range"] = "bytes \(start)-\(start + 19_999)/\(size)"
    },
  ]

  /// Redirects of every blob to a place that is written like this.
  private static let places: [Report] =
    [
      "//HOST/place", "/place?sig=a+b%2Fc|d", "/place?name=\u{FC}ber", "/place?q={a}",
      "/place#part",
      "/a/../place", "http://HOST/place?a=b c",
    ].map { written in
      habit("a place written as \(written)", "https://www.rfc-editor.org/rfc/rfc3986#section-4.2") {
        visit, usual in
        if visit.request.path.hasSuffix("/place") || visit.request.target.contains("/place") {
          return Answer(200, [], Okapi.layers[0])
        }
        guard case .blob(let digest) = visit.part, digest == Okapi.firstLayer else { return nil }
        return Answer(
          307,
          [("Location", written.replacing("HOST", with: visit.hosts[.registry] ?? ""))])
      }
    } + [
      habit("an empty place, once", http + "#section-10.2.2") { visit, _ in
        visit.isContent && visit.nth == 1 ? Answer(307, [("Location", "")]) : nil
      },
      habit("no place at all, once", http + "#section-10.2.2") { visit, _ in
        visit.isContent && visit.nth == 1 ? Answer(302) : nil
      },
    ]

  private static let waits = ["0", "-5", "1.5", "soon", "Fri, 31 Dec 1999 23:59:59 GMT"].map {
    wait in
    habit("three times 429 with Retry-After: \(wait)", http + "#section-10.2.3") { visit, _ in
      visit.isContent && visit.nthOfKind <= 3 ? Answer(429, [("Retry-After", wait)]) : nil
    }
  }

  private static let kinds = [
    habit(
      "a firewall's page with 200 and without a type, twice",
      "https://github.com/docker/cli/issues/5304"
    ) { visit, _ in
      guard visit.isManifest, visit.nth <= 2 else { return nil }
      return Answer(200, [], "<html>\r\n<head>\r\n<title>Forbidden</title></head></html>")
    },
    habit(
      "blobs are called pages, without a length",
      "https://github.com/containerd/containerd/issues/7400"
    ) { visit, usual in
      guard visit.isContent else { return nil }
      return usual(visit.asking { $0.drop("Range") }).with {
        $0["Content-Type"] = "text/html"
        $0.isChunked = true
      }
    },
    habit("blobs are called pages", "https://github.com/containerd/containerd/issues/7400") {
      visit, usual in
      visit.isContent ? usual(visit).with { $0["Content-Type"] = "text/html" } : nil
    },
    habit(
      "no document has a digest in its head", "https://github.com/oras-project/oras-go/issues/225"
    ) { visit, usual in
      visit.isManifest ? usual(visit).with { $0["Docker-Content-Digest"] = nil } : nil
    },
    habit(
      "the digest in the head is none", "https://github.com/apple/container/issues/1453"
    ) { visit, usual in
      visit.isManifest ? usual(visit).with { $0["Docker-Content-Digest"] = "W/\"abc\"" } : nil
    },
    habit(
      "the digest in the head of a tag is of another document",
      "https://github.com/google/go-containerregistry/issues/56"
    ) { visit, usual in
      guard case .manifest(let name) = visit.part, !name.contains(":") else { return nil }
      return usual(visit).with { $0["Docker-Content-Digest"] = Okapi.firstLayer?.description }
    },
    bearer(
      "an unknown scheme stands before Bearer",
      "https://github.com/podman-container-tools/skopeo/issues/1300"
    ) { $0.challenge = #"127.0.0.1, Bearer realm="REALM",service="HOST",scope="SCOPE""# },
    bearer("a realm and nothing else", "https://github.com/nicholas-fedor/watchtower/pull/1895") {
      $0.challenge = #"Bearer realm="REALM""#
    },
  ]
}
