import Synchronization

/// Statuses: classes, not lists of what was seen.
extension Report {
  static let statuses = passing + limits + failing + wrapped + [emptyOnce]

  /// Codes of Cloudflare and others beyond the registered ones pass as other server errors do.
  private static let passing: [Report] = [
    500, 502, 503, 504, 507, 520, 521, 522, 523, 524, 529, 530,
  ]
  .flatMap { status in
    [
      habit(
        "one passing \(status) for each blob", "https://github.com/jina-ai/serve/issues/1795"
      ) { visit, _ in
        visit.isContent && visit.nth == 1 ? .page(status, "error \(status)") : nil
      },
      habit(
        "one passing \(status) for the manifest", "https://github.com/jina-ai/serve/issues/1795"
      ) { visit, _ in
        visit.isManifest && visit.nth == 1 ? .page(status, "error \(status)") : nil
      },
    ]
  }

  /// A limit on requests is one, whatever its number.
  private static let limits = [
    habit(
      "two 403 with Retry-After", "https://github.com/virtualcell/vcell/issues/1888"
    ) { visit, _ in
      visit.isContent && visit.nthOfKind <= 2 ? Answer(403, [("Retry-After", "1")]) : nil
    },
    habit(
      "two 403 with the words of a limit", "https://github.com/virtualcell/vcell/issues/1888"
    ) { visit, _ in
      visit.isContent && visit.nthOfKind <= 2
        ? ErrorDialect(words: [403: "You have exceeded a secondary rate limit."]).answer(403) : nil
    },
    habit(
      "403 with the words of a limit, for ever", "https://github.com/virtualcell/vcell/issues/1888",
      outcome: .error([.network]), mostRequests: 40, saying: "limit"
    ) { visit, _ in
      visit.isContent
        ? ErrorDialect(words: [403: "You have exceeded a secondary rate limit."]).answer(403) : nil
    },
    habit(
      "403 beyond two requests at a time", "https://github.com/aria2/aria2/issues/577",
      mostRequests: 80, atATime(2, else: 403)),
    habit(
      "401 beyond one request at a time", "https://github.com/aria2/aria2/issues/577",
      mostRequests: 80, atATime(1, else: 401)),
    habit(
      "429 in plain text, twice", "https://docs.docker.com/docker-hub/usage/"
    ) { visit, _ in
      visit.isContent && visit.nthOfKind <= 2
        ? ErrorDialect(form: .plain, words: [429: "Too Many Requests"]).answer(429) : nil
    },
  ]

  /// Serves blobs to so many at a time, each for a while, and has a status for the others.
  private static func atATime(_ most: Int, else status: Int) -> Habit {
    let ends = Mutex<[ContinuousClock.Instant]>([])
    return { visit, usual in
      guard visit.isContent else { return nil }
      let now = ContinuousClock.now
      let isServed = ends.withLock { ends in
        ends.removeAll { $0 <= now }
        if ends.count < most { ends.append(now + .milliseconds(200)) } else { return false }
        return true
      }
      return isServed ? usual(visit).with { $0.silence = 200 } : Answer(status)
    }
  }

  /// Words of another server, in a server's own.
  private static let wrapped: [Report] = [
    ("DENIED", Outcome.error([.unauthorised])), ("UNAUTHORIZED", .error([.unauthorised])),
    ("MANIFEST_UNKNOWN", .error([.notFound])), ("NAME_UNKNOWN", .error([.notFound])),
  ].map { code, outcome in
    habit(
      "a cache has 500 for all that its upstream denies, with \(code) in its detail",
      "https://github.com/distribution/distribution-library-image/issues/146", outcome: outcome,
      saying: "its words"
    ) { visit, _ in
      guard visit.isManifest else { return nil }
      let inner = #"{"errors":[{"code":"\#(code)","message":"its words","detail":null}]}"#
      return Answer(
        500, [("Content-Type", "application/json")],
        #"{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":\#(inner)}]}"#)
    }
  }

  private static let failing: [Report] = [500, 502, 504, 520].map { status in
    habit(
      "a plain \(status) on every blob", "https://github.com/distribution/distribution/issues/4667",
      outcome: .error([.network]), mostRequests: 40, saying: "\(status)"
    ) { visit, _ in visit.isContent ? .page(status, "error \(status)") : nil }
  }

  private static let emptyOnce = habit(
    "the registry's own manifest is empty, once",
    "https://github.com/goharbor/harbor/issues/18530"
  ) { visit, usual in
    visit.isManifest && visit.nthOfKind == 1 ? usual(visit).with { $0.body = [] } : nil
  }
}
