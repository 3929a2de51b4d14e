import Support

/// Ranges have dialects, and so have first bytes, connections and encodings.
extension Report {
  static let ranges =
    [400, 401, 403, 404, 405, 406, 411, 412, 416, 417, 422, 429, 500, 501, 502, 503].map { status in
      dialect(
        "every Range is refused with \(status)",
        "https://github.com/kubernetes/registry.k8s.io/issues/333", mostRequests: 30
      ) { $0.content.ranges = .refused(status) }
    } + [
      dialect(
        "the range comes with its Content-Range, but with 200",
        "https://github.com/modelscope/modelscope_hub/issues/50", mostRequests: 30
      ) { $0.content.ranges = .labelled(200) },
      dialect(
        "ranges are ignored without a word",
        "https://github.com/distribution/distribution/issues/4667", mostRequests: 30
      ) {
        $0.content.ranges = .ignored
        $0.content.announcesRanges = false
      },
      habit(
        "a range gets the whole at a moment of the server's choice",
        "https://github.com/distribution/distribution/issues/4667"
      ) { visit, usual in
        guard visit.isContent, visit.nth % 2 == 0 else { return nil }
        return usual(visit.asking { $0.drop("Range") })
      },
      habit(
        "the range is one byte short",
        "https://datatracker.ietf.org/doc/html/rfc9110#section-14.4"
      ) { visit, usual in
        let answer = usual(visit)
        guard visit.isContent, visit.nth == 1, answer.status == 206,
          let range = visit.request.range,
          let size = answer["Content-Range"]?.split(separator: "/").last
        else { return nil }
        return answer.with {
          $0.body.removeLast()
          $0["Content-Range"] = "bytes \(range.lowerBound)-\(range.upperBound - 2)/\(size)"
        }
      },
    ] + rangeVariants + late + [oneAtATime] + encodings

  private static let late: [Report] = [
    habit(
      "the first byte is late, always", "https://github.com/containers/skopeo/issues/2101",
      mostRequests: 80, stallTimeout: 0.5
    ) { visit, usual in visit.isContent ? usual(visit).with { $0.silence = 1300 } : nil },
    habit(
      "the first byte of each blob is late, while the proxy fetches all of it",
      "https://github.com/sonatype/nexus-public/issues/284", mostRequests: 80, stallTimeout: 0.5
    ) { visit, usual in
      visit.isContent && visit.nth == 1 ? usual(visit).with { $0.silence = 1300 } : nil
    },
  ]

  private static let oneAtATime = dialect(
    "one connection is served at a time", "https://github.com/containers/skopeo/issues/2101"
  ) { $0.isOneAtATime = true }

  private static let encodings = [
    habit(
      "documents are gzipped unasked", "https://datatracker.ietf.org/doc/html/rfc9110#section-8.4"
    ) { visit, usual in
      visit.isManifest
        ? usual(visit).with {
          $0.body = GZip.stored($0.body)
          $0["Content-Encoding"] = "gzip"
        } : nil
    },
    habit(
      "documents are gzipped unasked, and chunked",
      "https://datatracker.ietf.org/doc/html/rfc9110#section-8.4"
    ) { visit, usual in
      visit.isManifest
        ? usual(visit).with {
          $0.body = GZip.stored($0.body)
          $0["Content-Encoding"] = "x-gzip"
          $0.isChunked = true
        } : nil
    },
    habit(
      "a blob is said to be x-gzip, chunked, with the right bytes",
      "https://datatracker.ietf.org/doc/html/rfc9110#section-8.4.1.3"
    ) { visit, usual in
      visit.isContent
        ? usual(visit).with {
          $0["Content-Encoding"] = "x-gzip"
          $0.isChunked = true
        } : nil
    },
  ]
}
