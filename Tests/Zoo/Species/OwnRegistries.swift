import Support

/// Registries that people run themselves.
extension Animal {
  private static let harborToken = Auth.Bearer(
    challenge: #"Bearer realm="REALM",service="harbor-registry",scope="SCOPE""#,
    path: "/service/token")

  static let harbor1 = Animal(
    "Harbor 1", "each `Accept` line compared as a whole, Docker's types",
    facts: [
      Fact(
        "tokens at /service/token", "https://github.com/goharbor/harbor/issues/10241"
      ) { $0.auth = .bearer(harborToken) },
      Fact(
        "cookies with every answer", "https://github.com/goharbor/harbor/issues/10241"
      ) { $0.wire.fields = [("Set-Cookie", "sid=0a1b; Path=/; HttpOnly")] },
      Fact(
        "each Accept line is compared as a whole, and schema 1 sent where none fits",
        "https://github.com/containerd/containerd/issues/5632"
      ) {
        $0.manifests.flavour = .docker
        $0.habits.append(Report.linewise)
      },
    ])

  static let harbor2 = Animal(
    "Harbor 2", "gzipped tokens, Basic as well as Bearer",
    facts: [
      Fact(
        "the challenge names the service, and tokens come gzipped",
        "https://github.com/google/go-containerregistry/issues/1493"
      ) {
        $0.auth = .bearer(harborToken)
        $0.habits.append { visit, usual in
          guard visit.part == .token,
            visit.request["accept-encoding"]?.contains("gzip") == true
          else { return nil }
          return usual(visit).with {
            $0.body = GZip.stored($0.body)
            $0["Content-Encoding"] = "gzip"
          }
        }
      },
      Fact(
        "Basic is taken as well", "https://github.com/goharbor/harbor/issues/13573"
      ) {
        guard case .bearer(var bearer) = $0.auth else { return }
        bearer.takesBasic = true
        $0.auth = .bearer(bearer)
      },
      Fact(
        "blobs may be at signed URLs of the storage behind it",
        "https://github.com/containerd/overlaybd/issues/326"
      ) {
        $0.storage = StorageDialect(
          query: "se=2032-04-26T06%3A18%3A35Z&sig=SIGNATURE&sp=r&sr=b&sv=2016-05-31")
      },
      Fact(
        "as a mirror it is below a project",
        "https://goharbor.io/docs/latest/administration/configure-proxy-cache"
      ) { $0.mirrorPath = "proxy-project" },
    ])

  static let artifactory = Animal(
    "Artifactory", "a token service deep in a path, 406 for nobody, 302 to S3",
    anonymous: .error([.unauthorised, .network]),
    facts: [
      Fact(
        "the realm is deep in a path, errors are Latin-1",
        "https://github.com/containerd/containerd/issues/6339"
      ) {
        $0.auth = .bearer(
          Auth.Bearer(
            challenge: #"Bearer realm="REALM",service="HOST",scope="SCOPE""#,
            path: "/artifactory/api/docker/docker-hub/v2/token"))
        $0.errors.type = "application/json;charset=ISO-8859-1"
      },
      Fact(
        "a token for nobody is 406", "https://github.com/swarmpit/swarmpit/issues/266"
      ) {
        guard case .bearer(var bearer) = $0.auth else { return }
        bearer.anonymous = .refused(406)
        $0.auth = .bearer(bearer)
      },
      Fact(
        "downloads are redirected with 302 to S3, which refuses an Authorization",
        "https://github.com/jfrog/artifactory-client-java/issues/282"
      ) { $0.storage = StorageDialect(status: 302) },
      Fact(
        "a repository is the first part of the path, and no part of the scope",
        "https://github.com/earthly/earthly/issues/1017"
      ) {
        $0.mirrorPath = "docker-local"
        guard case .bearer(var bearer) = $0.auth else { return }
        bearer.omitsPathPrefix = true
        $0.auth = .bearer(bearer)
      },
    ])

  static let nexus = Animal(
    "Nexus", "`BASIC` in capitals", anonymous: .refused,
    facts: [
      Fact(
        "the scheme is in capitals", "https://github.com/sonatype/nexus-public/issues/921"
      ) {
        $0.auth = .basic(
          Auth.Basic(challenge: #"BASIC realm="Sonatype Nexus Repository Manager""#))
      },
      Fact(
        "blobs are streamed, not redirected", "https://github.com/sonatype/nexus-public/issues/229"
      ) { $0.storage = nil },
    ])

  static let distribution2 = Animal(
    "distribution 2", "Basic by htpasswd, blobs from itself with an ETag", anonymous: .refused,
    facts: [
      Fact(
        "Basic by htpasswd",
        "https://github.com/distribution/distribution/blob/v2.8.3/registry/auth/htpasswd/access.go"
      ) { $0.auth = .basic(Auth.Basic(challenge: #"Basic realm="Registry Realm""#)) },
      Fact(
        "blobs have an ETag and a year to live",
        "https://github.com/distribution/distribution/blob/v2.8.3/registry/storage/blobserver.go"
      ) {
        $0.content.fields = [("ETag", "\"sha256:0\""), ("Cache-Control", "max-age=31536000")]
      },
    ])

  static let distribution3 = Animal(
    "distribution 3", "tokens with `error=`, no OCI for who does not accept it, 307",
    facts: [
      Fact(
        "a token that is not good is said to be so",
        "https://github.com/distribution/distribution/blob/main/registry/auth/token/accesscontroller.go"
      ) {
        $0.auth = .bearer(
          Auth.Bearer(
            challenge: #"Bearer realm="REALM",service="HOST",scope="SCOPE",error="invalid_token""#,
            path: "/auth/token", isElsewhere: true, powerless: 401))
      },
      .habit(
        "an OCI index is not there for who does not accept it",
        "https://github.com/distribution/distribution/blob/main/registry/handlers/manifests.go"
      ) { visit, usual in
        guard visit.isManifest else { return nil }
        let answer = usual(visit)
        let accepted = visit.request.fields.filter { $0.name.lowercased() == "accept" }
          .map(\.value).joined(separator: ",")
        guard answer.status == 200, let type = answer["Content-Type"], !accepted.contains(type)
        else { return answer }
        return ErrorDialect(words: [
          404: "OCI index found, but accept header does not support OCI indexes"
        ]).answer(404)
      },
      Fact(
        "307 to the storage",
        "https://github.com/distribution/distribution/blob/main/registry/storage/blobserver.go"
      ) { $0.storage = StorageDialect() },
      .habit(
        "a range may get the whole", "https://github.com/distribution/distribution/issues/4667"
      ) { visit, usual in
        guard visit.isContent, visit.nth == 3 else { return nil }
        return usual(visit.asking { $0.drop("Range") })
      },
    ])

  static let zot = Animal(
    "zot", "401 at `/v2/` only, images open to anybody", wrong: .image,
    facts: [
      .habit(
        "/v2/ wants Basic, though anybody may read",
        "https://github.com/project-zot/zot/issues/3182"
      ) { visit, _ in
        guard visit.part == .base, visit.request["authorization"] != Keeper.basic else {
          return nil
        }
        return ErrorDialect().answer(401, [("WWW-Authenticate", #"Basic realm="zot""#)])
      }
    ])

  static let gitea = Animal(
    "Gitea", "the scope is `*`",
    facts: [
      Fact(
        "the challenge's scope is a star", "https://github.com/go-gitea/gitea/issues/36907"
      ) {
        $0.auth = .bearer(
          Auth.Bearer(
            challenge: #"Bearer realm="REALM",service="container_registry",scope="*""#,
            path: "/v2/token", mindsScope: false))
      }
    ])

  static let craneRegistry = Animal(
    "crane registry serve", "416 for a range without an end",
    facts: [
      Fact(
        "a range without an end is 416", "https://github.com/anchore/stereoscope/pull/695"
      ) {
        $0.content.openEnded = .refused(416)
        $0.content.announcesRanges = false
      }
    ])

  static let staticS3 = Animal(
    "static site on S3", "no digest, 403 for what is not there, XML",
    facts: [
      Fact(
        "a bucket is a registry that asks nobody and has Docker's types",
        "https://github.com/jpetazzo/registrish"
      ) {
        $0.manifests.flavour = .docker
        $0.manifests.announcesDigest = false
      },
      Fact(
        "what is not there is denied",
        "https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html"
      ) {
        $0.errors = ErrorDialect(form: .xml, words: [403: "Access Denied"])
        $0.missing = 403
      },
    ])

  static let pythonServer = Animal(
    "python -m http.server", "HTTP/1.0, no ranges, no media types",
    facts: [
      Fact(
        "HTTP/1.0 unless told otherwise", "https://docs.python.org/3/library/http.server.html"
      ) { $0.wire.version = "1.0" },
      Fact(
        "no ranges, and types by the ending of a name",
        "https://github.com/python/cpython/blob/main/Lib/http/server.py"
      ) {
        $0.content.ranges = .ignored
        $0.content.announcesRanges = false
        $0.manifests.type = "application/octet-stream"
        $0.manifests.announcesDigest = false
        $0.errors.form = .page("Error response")
      },
    ])
}
