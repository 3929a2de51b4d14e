import OCI
import Support

/// A third look: what other pullers met, each by its own report.
extension Report {
  static let fresh: [Report] = measures + nearEnds + replicas + logins

  private static let measures: [Report] = [
    habit(
      "a length that is none, once for each blob", "https://github.com/moby/moby/issues/15264"
    ) { visit, usual in
      visit.isContent && visit.nth == 1 ? usual(visit).with { $0["Content-Length"] = "none" } : nil
    },
    habit(
      "a length that is none, always", "https://github.com/moby/moby/issues/15264",
      outcome: .error([.network]), mostRequests: 40, saying: "Content-Length"
    ) { visit, usual in
      visit.isContent ? usual(visit).with { $0["Content-Length"] = "none" } : nil
    },
    habit(
      "another part comes than was asked for, whichever that was",
      "https://github.com/openai/tart/issues/1255", mostRequests: 30
    ) { visit, usual in
      let answer = usual(visit)
      guard visit.isContent, answer.status == 206 else { return nil }
      return usual(visit.asking { $0.drop("Range") }).with {
        $0.status = 206
        $0["Content-Range"] = "bytes 0-2/\($0.body.count)"
        $0.body.removeLast(max(0, $0.body.count - 3))
      }
    },
    habit(
      "a part does not say which one it is",
      "https://github.com/containerd/containerd/pull/12291", mostRequests: 30
    ) { visit, usual in
      visit.isContent ? usual(visit).with { $0["Content-Range"] = nil } : nil
    },
    habit(
      "blobs are there and empty, once", "https://github.com/distribution/distribution/issues/1539"
    ) { visit, _ in visit.isContent && visit.nth == 1 ? Answer(200) : nil },
    habit(
      "blobs are there and empty, always",
      "https://github.com/distribution/distribution/issues/1539",
      outcome: .error([.integrity]), mostRequests: 40, saying: "0 bytes"
    ) { visit, _ in visit.isContent ? Answer(200) : nil },
  ]

  private static let nearEnds: [Report] = [
    habit(
      "every answer of some length breaks off shortly before its end",
      "https://github.com/podman-container-tools/podman/issues/5583"
    ) { visit, usual in
      guard visit.isContent else { return nil }
      let answer = usual(visit)
      let count = answer.body.count
      return count > 1000 ? answer.with { $0.stop = .cut(count - 1000) } : answer
    },
    habit(
      "the first answer to each blob is reset at its last byte",
      "https://github.com/moby/moby/issues/52965"
    ) { visit, usual in
      guard visit.isContent, visit.nth == 1 else { return nil }
      let answer = usual(visit)
      return answer.with { $0.stop = .reset(max(0, answer.body.count - 1)) }
    },
    bearer(
      "answers break off after much and after next to nothing, and the token has died meanwhile",
      "https://github.com/podman-container-tools/podman/issues/18142",
      habit: { visit, usual in
        guard visit.isContent else { return nil }
        if visit.nthOfKind % 5 == 0 {
          return usual(visit.asking { $0.drop("Authorization") })
        }
        return usual(visit).with { answer in
          let most = visit.nth % 2 == 0 ? 700 : 30_000
          if answer.body.count > most { answer.stop = .cut(most) }
        }
      }),
  ]

  private static let replicas: [Report] = [
    habit(
      "the replica that is asked first does not have the blob yet",
      "https://github.com/openshift/origin/issues/5795"
    ) { visit, _ in visit.isContent && visit.nth == 1 ? ErrorDialect().answer(404) : nil },
    habit(
      "one node of the network for content has wrong bytes",
      "https://github.com/podman-container-tools/podman/issues/7298"
    ) { visit, usual in
      guard visit.isContent, visit.nth == 1 else { return nil }
      return usual(visit).with { if let first = $0.body.first { $0.body[0] = first ^ 0x20 } }
    },
    habit(
      "a cache knows every blob but the configuration, once",
      "https://github.com/rpardini/docker-registry-proxy/issues/147"
    ) { visit, _ in
      guard case .blob(let digest) = visit.part, !Okapi.isLayer(digest), visit.nth == 1 else {
        return nil
      }
      return ErrorDialect(words: [404: "unknown blob"]).answer(404)
    },
  ]

  private static func basic(_ words: String, _ source: String, _ challenges: [String]) -> Report {
    let fact = Fact(words, source) { dialect in
      dialect.auth = .basic(
        Auth.Basic(
          challenge: challenges.last ?? "",
          fields: challenges.dropLast().map { ("WWW-Authenticate", $0) }))
    }
    return Report(animal: Animal("a registry", "", facts: [fact]), isKnown: true)
  }

  private static let logins: [Report] = [
    bearer("a service without quotes", "https://github.com/genuinetools/reg/issues/72") {
      $0.challenge = #"Bearer realm="REALM",service=HOST,scope="""#
    },
    bearer(
      "a scope with commas in it",
      "https://github.com/ChangemakerStudios/Docker.Registry.DotNet/issues/7"
    ) {
      $0.challenge = #"Bearer realm="REALM",service="HOST",scope="SCOPE,push""#
      $0.mindsScope = false
    },
    bearer(
      "a service with a blank in its name", "https://github.com/apple/container/issues/240",
      {
        $0.challenge = #"Bearer realm="REALM",service="Container Registry of HOST",scope="SCOPE""#
      },
      habit: { visit, usual in
        guard visit.part == .token,
          visit.request.query["service"]?.hasPrefix("Container Registry of ") != true
        else { return nil }
        return Answer(400)
      }),
    bearer(
      "a scope for two repositories at once",
      "https://github.com/podman-container-tools/container-libs/pull/1130"
    ) {
      $0.challenge =
        #"Bearer realm="REALM",service="HOST",scope="SCOPE repository:other/src:pull""#
      $0.mindsScope = false
    },
    bearer(
      "a token service that calls its refusal a success",
      "https://github.com/google/go-containerregistry/issues/280",
      outcome: .error([.unauthorised, .network]), mostRequests: 0, saying: "incorrect username",
      habit: { visit, _ in
        visit.part == .token
          ? Answer(200, [], #"{"details":"incorrect username or password"}"#) : nil
      }),
    bearer(
      "a realm of no scheme that there is",
      "https://github.com/sonatype/nexus-public/issues/628",
      outcome: .error([.unauthorised, .network, .usage]), mostRequests: 0, saying: "null"
    ) { $0.challenge = #"Bearer realm="null://HOST/v2/token",service="null://HOST/v2/token""# },
    basic(
      "a realm that is a slash without quotes", "https://github.com/regclient/regclient/issues/265",
      ["Basic realm=/"]),
    basic(
      "Negotiate stands before Basic", "https://github.com/google/go-containerregistry/pull/1075",
      ["Negotiate", #"Basic realm="registry""#]),
  ]

  /// What is answered to those who only ask for the head: whoever serves others does.
  static let heads: [Report] = [
    head("HEAD of a manifest is not found", "https://github.com/goharbor/harbor/issues/13153", 404),
    head(
      "HEAD of a manifest is not allowed", "https://github.com/containerd/containerd/issues/5860",
      405),
    head("HEAD gets 503 and no word", "https://github.com/project-zot/zot/issues/3232", 503),
    habit(
      "HEAD of a blob that the registry has not fetched itself yet is not found",
      "https://github.com/distribution/distribution/issues/4747"
    ) { visit, _ in
      visit.request.method == "HEAD" && visit.isContent ? ErrorDialect().answer(404) : nil
    },
    habit(
      "manifests are elsewhere, by a URL that is signed for GET",
      "https://github.com/moby/moby/issues/50065"
    ) { visit, _ in
      guard visit.isManifest else { return nil }
      guard visit.request.target.contains("signed=") else {
        return Answer(307, [("Location", visit.request.target + "?signed=GET")])
      }
      return visit.request.method == "HEAD" ? ErrorDialect(form: .xml).answer(403) : nil
    },
    habit(
      "HEAD has no length", "https://github.com/containerd/containerd/issues/3110"
    ) { visit, usual in
      visit.request.method == "HEAD" ? usual(visit).with { $0.isChunked = true } : nil
    },
    habit(
      "HEAD of a tag has the digest of what nobody has",
      "https://github.com/distribution/distribution/issues/2395"
    ) { visit, usual in
      guard visit.request.method == "HEAD", case .manifest(let name) = visit.part,
        !name.contains(":")
      else { return nil }
      return usual(visit).with { $0["Docker-Content-Digest"] = Okapi.firstLayer?.description }
    },
    habit(
      "HEAD has no digest", "https://github.com/goharbor/harbor/issues/13385"
    ) { visit, usual in
      visit.request.method == "HEAD"
        ? usual(visit).with { $0["Docker-Content-Digest"] = nil } : nil
    },
  ]

  private static func head(_ words: String, _ source: String, _ status: Int) -> Report {
    habit(words, source) { visit, _ in
      visit.request.method == "HEAD" && visit.isManifest ? Answer(status) : nil
    }
  }
}
