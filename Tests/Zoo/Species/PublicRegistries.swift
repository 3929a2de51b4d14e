/// Registries that are a service.
extension Animal {
  static let dockerHub = Animal(
    "Docker Hub", "tokens of another host, signed URLs, limits in plain text",
    facts: [
      Fact(
        "the token service is on another host and names the registry in its own way",
        "https://github.com/distribution/distribution/issues/1203"
      ) {
        $0.auth = .bearer(
          Auth.Bearer(
            challenge: #"Bearer realm="REALM",service="registry.docker.io",scope="SCOPE""#,
            isElsewhere: true))
      },
      Fact(
        "blobs are at signed URLs of another host, which refuses HEAD",
        "https://github.com/containerd/stargz-snapshotter/pull/167"
      ) { $0.storage = StorageDialect(refusesHead: 403) },
      Fact(
        "ranges are served, and not announced", "https://github.com/anchore/stereoscope/pull/695"
      ) { $0.content.announcesRanges = false },
      .habit(
        "the limit on all requests is a plain 429", "https://docs.docker.com/docker-hub/usage/"
      ) { visit, _ in
        guard visit.isBlob, visit.nthOfKind == 2 else { return nil }
        return ErrorDialect(form: .plain, words: [429: "Too Many Requests"]).answer(429)
      },
    ])

  static let ghcr = Animal(
    "GHCR", "signed URLs that expire soon, `denied: denied`",
    facts: [
      Fact(
        "tokens for anybody at /token", "https://github.com/openai/tunnel-client/issues/75"
      ) {
        $0.auth = .bearer(
          Auth.Bearer(
            challenge: #"Bearer realm="REALM",service="ghcr.io",scope="SCOPE""#,
            wrongPassword: 403))
      },
      Fact(
        "wrong credentials are denied, where none would do",
        "https://github.com/juliusknorr/nextcloud-docker-dev/issues/158"
      ) { $0.errors.words[403] = "denied" },
      Fact(
        "signed URLs expire soon, with 403, and HEAD is refused",
        "https://github.com/containerd/stargz-snapshotter/pull/167"
      ) { $0.storage = StorageDialect(uses: 2, refusesHead: 403) },
      Fact(
        "ranges are served, and not announced", "https://github.com/anchore/stereoscope/pull/695"
      ) { $0.content.announcesRanges = false },
    ])

  static let quay = Animal(
    "Quay", "302 with a page to a CDN, connections closed",
    facts: [
      Fact(
        "tokens at /v2/auth", "https://github.com/quay/quay/blob/master/endpoints/v2/v2auth.py"
      ) {
        $0.auth = .bearer(
          Auth.Bearer(challenge: #"Bearer realm="REALM",service="HOST""#, path: "/v2/auth"))
      },
      Fact(
        "302 with a page, signed as CloudFront does, and the connection closed",
        "https://github.com/rpardini/docker-registry-proxy/issues/26"
      ) {
        $0.storage = StorageDialect(
          status: 302, query: "Expires=1577978911&Signature=SIGNATURE&Key-Pair-Id=APKAZOO",
          page: "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 3.2 Final//EN\"><title>Redirecting")
        $0.wire.closes = true
      },
    ])

  static let quayCache = Animal(
    "Quay as a cache", "streams what it does not have yet: no length, no ranges",
    facts: [
      Fact(
        "a blob on its way from upstream has no length and is whole",
        "https://github.com/quay/quay/blob/master/endpoints/v2/blob.py"
      ) {
        $0.content.ranges = .ignored
        $0.content.announcesRanges = false
        $0.wire.chunks = true
      }
    ])

  static let gitLab = Animal(
    "GitLab", "tokens at the main host's `/jwt/auth`, 403 for a wrong password",
    facts: [
      Fact(
        "the token service is the main host's", "https://github.com/docker/sbx-releases/issues/535"
      ) {
        $0.auth = .bearer(
          Auth.Bearer(
            challenge: #"Bearer realm="REALM",service="container_registry",scope="SCOPE""#,
            path: "/jwt/auth", isElsewhere: true))
      },
      Fact(
        "a wrong password is 403", "https://github.com/deitch/docker_registry2/issues/14"
      ) {
        guard case .bearer(var bearer) = $0.auth else { return }
        bearer.wrongPassword = 403
        $0.auth = .bearer(bearer)
      },
      Fact(
        "as a mirror it is below a group's path",
        "https://gitlab.com/gitlab-org/gitlab/-/merge_requests/46042"
      ) { $0.mirrorPath = "group/dependency_proxy/containers" },
    ])

  static let ecr = Animal(
    "ECR", "Basic with a `service`, errors in plain text, 307 to S3", anonymous: .refused,
    facts: [
      Fact(
        "Basic with a realm that is a URL, and an empty field",
        "https://wom.icu/today-i-learned/2023-09-11"
      ) {
        $0.auth = .basic(
          Auth.Basic(
            challenge: #"Basic realm="https://HOST/",service="ecr.amazonaws.com""#,
            fields: [("Sizes", "")]))
        $0.errors = ErrorDialect(form: .plain, words: [401: "Not Authorized"])
      },
      Fact(
        "307 to a bucket", "https://github.com/enix/kube-image-keeper/issues/142"
      ) { $0.storage = StorageDialect() },
      Fact(
        "a signed URL and an Authorization are one too many",
        "https://github.com/renovatebot/renovate/issues/3877"
      ) { $0.storage?.refusesAuthorization = 400 },
      Fact(
        "as a mirror it is below a prefix",
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-working.html"
      ) { $0.mirrorPath = "docker-hub" },
    ])

  static let artifactRegistry = Animal(
    "Artifact Registry", "302 to a relative place on its own host",
    facts: [
      Fact(
        "tokens at /v2/token, and /v2/ itself names no service",
        "https://github.com/apple/container/issues/2274"
      ) {
        $0.auth = .bearer(
          Auth.Bearer(
            challenge: #"Bearer realm="REALM",service="HOST",scope="SCOPE""#, path: "/v2/token"))
      },
      Fact(
        "302 to a relative place on its own host, which is signed",
        "https://github.com/ahmetb/serverless-registry-proxy/issues/8"
      ) {
        $0.storage = StorageDialect(
          status: 302, isHere: true, query: "sig=SIGNATURE", refusesAuthorization: nil)
      },
    ])

  static let acr = Animal(
    "ACR", "`access_token` alone, Azure's signed URLs", anonymous: .refused,
    facts: [
      Fact(
        "tokens at /oauth2/token for those who log in",
        "https://azure.github.io/acr/Token-BasicAuth.html"
      ) {
        $0.auth = .bearer(
          Auth.Bearer(
            challenge: #"Bearer realm="REALM",service="HOST",scope="SCOPE""#,
            path: "/oauth2/token", anonymous: .refused(401)))
      },
      Fact(
        "the answer has access_token alone", "https://github.com/spinnaker/clouddriver/pull/2275"
      ) {
        guard case .bearer(var bearer) = $0.auth else { return }
        bearer.document = #"{"access_token":"TOKEN"}"#
        $0.auth = .bearer(bearer)
      },
      Fact(
        "307 to Azure's storage", "https://github.com/distribution/distribution/issues/3574"
      ) {
        $0.storage = StorageDialect(
          query: "se=2032-01-26T11%3A17%3A13Z&sig=SIGNATURE&sp=r&sr=b&sv=2018-03-28")
      },
      Fact(
        "which refuses an Authorization beside the signature",
        "https://github.com/spring-attic/spring-cloud-dataflow/issues/4412"
      ) {
        $0.storage?.refusesAuthorization = 400
        $0.storage?.errors.words[400] =
          "Authentication information is not given in the correct format."
      },
    ])
}
