import Support

/// Authentication: nobody reported just these, but their kin.
extension Report {
  private static let http = "https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1"

  static let authVariants = challenges + refreshes + scopes

  private static let challenges = [
    bearer("Basic and Bearer in one field", http) {
      $0.challenge = #"Basic realm="x", Bearer realm="REALM",service="HOST",scope="SCOPE""#
    },
    bearer("blanks around everything in the challenge", http) {
      $0.challenge = #"Bearer  realm = "REALM" , service = "HOST" , scope = "SCOPE" "#
    },
    bearer("the scheme in capitals, the scope first", http) {
      $0.challenge = #"BEARER scope="SCOPE",service="HOST",realm="REALM""#
    },
    bearer("a challenge without service and scope", http) {
      $0.challenge = #"Bearer realm="REALM""#
    },
    bearer(
      "Basic in a field of its own before Bearer", "https://github.com/Azure/acr/issues/466",
      habit: { visit, usual in
        let answer = usual(visit)
        guard answer.status == 401, answer["WWW-Authenticate"] != nil else { return nil }
        return answer.with {
          $0.fields.insert(
            ("WWW-Authenticate", #"Basic realm="Azure Container Registry""#), at: 0)
        }
      }),
    bearer(
      "tokens come gzipped, whatever is accepted",
      "https://github.com/google/go-containerregistry/issues/1493",
      habit: { visit, usual in
        guard visit.part == .token else { return nil }
        return usual(visit).with {
          $0.body = GZip.stored($0.body)
          $0["Content-Encoding"] = "gzip"
        }
      }),
  ]

  private static let refreshes: [Report] =
    [401, 403].map { status in
      bearer(
        "tokens die early, with \(status) and a challenge",
        "https://www.rfc-editor.org/rfc/rfc6750#section-3.1",
        habit: { visit, usual in
          guard visit.isContent, [2, 4].contains(visit.nthOfKind) else { return nil }
          return usual(visit.asking { $0.drop("Authorization") }).with {
            if $0.status == 401 { $0.status = status }
          }
        })
    } + [
      bearer(
        "the token service is overloaded once", "https://github.com/jina-ai/serve/issues/1795",
        habit: { visit, _ in
          visit.part == .token && visit.nthOfKind == 1 ? .page(503, "Service Unavailable") : nil
        }),
      bearer(
        "the token service breaks off once", "https://github.com/jina-ai/serve/issues/1795",
        habit: { visit, usual in
          visit.part == .token && visit.nthOfKind == 1
            ? usual(visit).with { $0.stop = .reset(10) } : nil
        }),
      bearer(
        "the token service is limiting requests, once", "https://docs.docker.com/docker-hub/usage/",
        habit: { visit, _ in
          visit.part == .token && visit.nthOfKind == 1
            ? Answer(429, [("Retry-After", "1")], "Too Many Requests") : nil
        }),
    ]

  /// Scopes that are none for a pull, and what a token service makes of them.
  private static let scopes: [Report] =
    [
      "registry:catalog:*", "repository:user/image:pull", "SCOPE,push", "aws",
      "repository:other/okapi:pull", "repository:zoo/okapi:push",
    ].flatMap { scope in
      let source = "https://github.com/cloudflare/serverless-registry/issues/149"
      return [false, true].flatMap { isKnown in
        [
          bearer(
            "the challenge names \(scope), whose token does not suffice, credentials: \(isKnown)",
            source, isKnown: isKnown,
            {
              $0.challenge = #"Bearer realm="REALM",service="HOST",scope="\#(scope)""#
              if isKnown { $0.anonymous = .refused(401) }
            }),
          bearer(
            "the token service refuses the challenge's \(scope), credentials: \(isKnown)",
            source, isKnown: isKnown,
            { $0.challenge = #"Bearer realm="REALM",service="HOST",scope="\#(scope)""# },
            habit: { visit, _ in
              guard visit.part == .token,
                visit.request.query["scope"] != "repository:zoo/okapi:pull"
              else { return nil }
              return ErrorDialect().answer(isKnown ? 403 : 401)
            }),
        ]
      }
    }
}
