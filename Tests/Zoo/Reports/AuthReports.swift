import OCI

/// Authentication has dialects.
extension Report {
  private static let plainBearer = Auth.Bearer(
    challenge: #"Bearer realm="REALM",service="HOST",scope="SCOPE""#)

  static func bearer(
    _ words: String, _ source: String, isKnown: Bool = false, outcome: Outcome = .image,
    mostRequests: Int = 60, saying said: String = "",
    _ change: @escaping @Sendable (inout Auth.Bearer) -> Void = { _ in },
    habit: @escaping Habit = { _, _ in nil }
  ) -> Report {
    let fact = Fact(words, source) { dialect in
      var bearer = plainBearer
      change(&bearer)
      dialect.auth = .bearer(bearer)
      dialect.habits.append(habit)
    }
    return Report(
      animal: Animal("a registry", "", facts: [fact]), isKnown: isKnown, outcome: outcome,
      mostRequests: mostRequests, words: said)
  }

  static let auths = tokens + movedTokens + [eachLine] + deadTokens + unsaid + authVariants

  private static let specification = "https://distribution.github.io/distribution/spec/auth/token/"

  private static let tokens = [
    bearer("expires_in is a string", specification) {
      $0.document = #"{"access_token":"TOKEN","expires_in":"300"}"#
    },
    bearer("expires_in is null and issued_at is none", specification) {
      $0.document = #"{"token":"TOKEN","expires_in":null,"issued_at":null}"#
    },
    bearer("both names of the token, one of them empty", specification) {
      $0.document = #"{"token":"","access_token":"TOKEN"}"#
    },
  ]

  private static let movedTokens: [Report] =
    [301, 302, 303, 307, 308].flatMap { status in
      [false, true].map { isKnown in
        bearer(
          "the token service redirects with \(status) at its origin, credentials: \(isKnown)",
          "https://github.com/Finsys/dockhand/issues/1428", isKnown: isKnown,
          { if isKnown { $0.anonymous = .refused(401) } },
          habit: { visit, _ in
            guard visit.part == .token, !visit.request.target.contains("moved=1") else {
              return nil
            }
            return Answer(status, [("Location", visit.request.target + "&moved=1")])
          })
      }
    } + [
      bearer(
        "the token service redirects to another host, where anybody gets a token",
        "https://github.com/Finsys/dockhand/issues/1428",
        habit: { visit, usual in
          if visit.door == .tokens {
            guard visit.request["authorization"] == nil else { return Answer(400) }
            return usual(visit.being(.token))
          }
          guard visit.part == .token else { return nil }
          return Answer(307, [("Location", visit.url(.tokens, visit.request.target))])
        })
    ]

  private static let eachLine = habit(
    "each Accept line is compared as a whole",
    "https://github.com/containerd/containerd/issues/5632", linewise)

  /// Harbor 1.x: several types in one line are one that it does not know.
  static let linewise: Habit = { visit, usual in
    guard visit.isManifest else { return nil }
    let answer = usual(visit)
    let lines = visit.request.fields.filter { $0.name.lowercased() == "accept" }.map(\.value)
    guard answer.status == 200, let type = answer["Content-Type"], !lines.contains(type) else {
      return answer
    }
    return Answer(
      200, [("Content-Type", MediaType.dockerSchema1Signed.rawValue)],
      #"{"schemaVersion":1,"name":"zoo/okapi","tag":"latest","fsLayers":[],"signatures":[]}"#)
  }

  private static let deadTokens: [Report] = [false, true].map { isKnown in
    bearer(
      "a dead token is answered by a Basic challenge only, credentials: \(isKnown)",
      "https://github.com/goharbor/harbor/issues/18856", isKnown: isKnown,
      { $0.anonymous = isKnown ? .refused(401) : .token },
      habit: { visit, usual in
        guard visit.isContent, visit.tokens < 2,
          visit.request["authorization"]?.hasPrefix("Bearer") == true
        else { return nil }
        return ErrorDialect().answer(
          401, [("WWW-Authenticate", #"Basic realm="harbor""#)])
      })
  }

  /// Refusals that do not say how one is let in: `/v2/` does.
  private static let unsaid: [Report] = [400, 401, 403, 404].flatMap { status in
    [
      unsaid(status, "https://github.com/containerd/containerd/issues/3291", isKnown: true),
      // An Artifactory that is open to anybody.
      unsaid(status, "https://github.com/containerd/containerd/issues/11953", isKnown: false),
    ]
  }

  private static func unsaid(_ status: Int, _ source: String, isKnown: Bool) -> Report {
    bearer(
      "\(status) without a challenge, which is at /v2/ only, credentials: \(isKnown)", source,
      isKnown: isKnown, { if isKnown { $0.anonymous = .refused(401) } },
      habit: { visit, usual in
        let answer = usual(visit)
        guard answer.status == 401, visit.part != .base, visit.part != .token else { return nil }
        return ErrorDialect().answer(status)
      })
  }
}
