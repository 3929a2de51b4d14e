/// Ranges: nobody reported just these, but their kin.
extension Report {
  static let rangeVariants: [Report] = [
    habit(
      "the range comes with its Content-Range, but with 200, chunked",
      "https://github.com/modelscope/modelscope_hub/issues/50", mostRequests: 30
    ) { visit, usual in
      visit.isContent
        ? usual(visit).with {
          $0.status = 200
          $0.isChunked = true
        } : nil
    },
    habit(
      "206 for all of it, in spite of the range",
      "https://datatracker.ietf.org/doc/html/rfc9110#section-14.4", mostRequests: 30
    ) { visit, usual in
      guard visit.isContent, visit.request["range"] != nil else { return nil }
      return usual(visit.asking { $0.drop("Range") }).with {
        $0.status = 206
        $0["Content-Range"] = "bytes 0-\($0.body.count - 1)/\($0.body.count)"
      }
    },
    habit(
      "the size is a star in Content-Range",
      "https://datatracker.ietf.org/doc/html/rfc9110#section-14.4"
    ) { visit, usual in
      visit.isContent
        ? usual(visit).with { answer in
          answer["Content-Range"] = answer["Content-Range"].map {
            $0.prefix { $0 != "/" } + "/*"
          }
        } : nil
    },
    habit(
      "ranges are refused with a page, from the third on",
      "https://github.com/modelscope/modelscope/issues/197"
    ) { visit, _ in
      visit.isContent && visit.request["range"] != nil && visit.nthOfKind > 2
        ? .page(403, "Blocked by policy") : nil
    },
    habit(
      "every third answer breaks off in the middle",
      "https://github.com/distribution/distribution/issues/4667"
    ) { visit, usual in
      guard visit.isContent, visit.nthOfKind % 3 == 0 else { return nil }
      return usual(visit).with { $0.stop = .cut($0.body.count / 2) }
    },
    habit(
      "every third answer is reset in the middle",
      "https://github.com/distribution/distribution/issues/4667"
    ) { visit, usual in
      guard visit.isContent, visit.nthOfKind % 3 == 0 else { return nil }
      return usual(visit).with { $0.stop = .reset($0.body.count / 2) }
    },
  ]
}
