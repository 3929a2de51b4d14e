import Foundation
import OCI
import Registry
import Support
import Testing
import Transfer

/// What people met in the wild, each as a small server.
@Suite("Zoo, reports", .timeLimit(.minutes(10)))
struct ReportTests {
  /// A registry with the habit is pulled from.
  private func expect(_ report: Report) async throws {
    try await pull(report)
  }

  private func pull(_ report: Report) async throws {
    let enclosure = try Enclosure(report.animal, image: Okapi.image(report.animal))
    let visitor = try Visitor(stallTimeout: report.stallTimeout)
    let ending = try await visitor.pull(
      enclosure.byTag, as: report.isKnown ? Keeper.credential : nil)
    try visitor.expect(ending, report.outcome, of: enclosure.image, naming: [enclosure.host])
    if case .failure(let error) = ending {
      #expect(error.description.contains(report.words), "\(error)")
    }
    #expect(enclosure.contentRequests <= report.mostRequests)
  }

  @Test("statuses are classes", arguments: Report.statuses)
  func statuses(report: Report) async throws { try await expect(report) }

  @Test("ranges, first bytes, connections and encodings", arguments: Report.ranges)
  func ranges(report: Report) async throws { try await expect(report) }

  @Test(
    "lengths, parts, places and types that mean something else than they say",
    arguments: Report.wild)
  func wild(report: Report) async throws { try await expect(report) }

  @Test("what other pullers met since", arguments: Report.fresh + Report.latest + Report.heads)
  func fresh(report: Report) async throws { try await expect(report) }

  @Test("authentication", arguments: Report.auths)
  func auths(report: Report) async throws { try await expect(report) }

  @Test("what a mirror sends instead is passed over", arguments: Report.mirrors, [false, true])
  func mirrors(report: Report, byDigest: Bool) async throws {
    let image = try Okapi.image(report.animal)
    let mirror = try Enclosure(report.animal, image: image)
    let registry = try Enclosure(Animal("a registry", "", facts: []), image: image)
    let visitor = try Visitor(stallTimeout: report.stallTimeout)
    let endpoint = Endpoint(
      origin: try RemoteURL("http://\(mirror.host)/").origin, namespace: registry.host)
    let ending = try await visitor.pull(
      byDigest ? registry.byDigest : registry.byTag, mirrors: [endpoint], hedges: true)
    try visitor.expect(ending, .image, of: image)
    #expect(mirror.contentRequests <= report.mostRequests)
    #expect(!registry.visits.isEmpty)
  }

  @Test("an odd answer of the last server is blamed on it", arguments: Report.mirrors.dropLast(2))
  func blamed(report: Report) async throws {
    let enclosure = try Enclosure(report.animal, image: Okapi.image(report.animal))
    let visitor = try Visitor()
    let ending = try await visitor.pull(enclosure.byDigest)
    try visitor.expect(
      ending, .error([.integrity, .network]), of: enclosure.image, naming: [enclosure.host])
  }

  @Test(
    "a foreign layer's URLs are tried, however the registry refuses it",
    arguments: [400, 401, 403, 404, 405, 451, 500])
  func foreignLayers(status: Int) async throws {
    let source = "https://github.com/openshift/oc/issues/530"
    let layer = Content.bytes(90_000, seed: 9)
    let elsewhere = try RawServer { FakeRegistry.blob(layer, $0.range) }
    let image = try FakeImage(layers: [layer]) { document in
      var layers = document["layers"] as? [[String: Any]] ?? []
      layers[0]["mediaType"] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
      layers[0]["urls"] = ["http://\(elsewhere.host)/layer"]
      document["layers"] = layers
    }
    let refused = image.layers[0]
    let animal = Animal(
      "a registry", "",
      facts: [
        .habit("foreign layers are refused with \(status)", source) { visit, _ in
          visit.part == .blob(refused) ? ErrorDialect().answer(status) : nil
        }
      ])
    let enclosure = try Enclosure(animal, image: image)
    let visitor = try Visitor()
    try visitor.expect(await visitor.pull(enclosure.byTag), .image, of: image)
    #expect(elsewhere.requests.allSatisfy { $0["authorization"] == nil })
  }

  @Test(
    "of who has blobs only after their manifest, that is fetched though it is here",
    arguments: [false, true])
  func manifestsThatAreHere(isMirror: Bool) async throws {
    let image = try Okapi.image(Report.filling.animal)
    let lazy = try Enclosure(Report.filling.animal, image: image)
    let registry = try Enclosure(Animal("a registry", "", facts: []), image: image)
    let visitor = try Visitor()
    for (digest, manifest) in image.manifests {
      try visitor.store.put(Data(manifest.bytes), as: digest)
    }
    let mirror = Endpoint(
      origin: try RemoteURL("http://\(lazy.host)/").origin, namespace: registry.host)
    let ending =
      isMirror
      ? try await visitor.pull(registry.byDigest, mirrors: [mirror])
      : try await visitor.pull(lazy.byDigest)
    try visitor.expect(ending, .image, of: image)
    #expect(lazy.visits.contains { $0.isContent && $0.manifests == 0 })
    #expect(registry.visits.isEmpty)
  }

  @Test("a web site that a registry leads to does not say what the registry has")
  func webSite() async throws {
    let image = try Okapi.image(Report.site.animal)
    let enclosure = try Enclosure(Report.site.animal, image: image)
    let visitor = try Visitor()
    guard case .failure(let error) = try await visitor.pull(enclosure.byTag) else {
      Issue.record("no error")
      return
    }
    #expect(error.category == .network)
    #expect(error.description.contains("a web page in place of manifest"), "\(error)")
    #expect(error.hint?.contains("\(enclosure.host) redirects to that place") == true)
    #expect(enclosure.visits.count { $0.isManifest } == 3)
  }

  /// Nexus has 500 for each manifest by its digest: https://github.com/ollama/ollama/issues/5298
  @Test(
    "the tag beside a digest is asked for where the digest is not known, in whatever words",
    arguments: [404, 400, 403, 500], [true, false])
  func tagBesideDigest(status: Int, isOfIt: Bool) async throws {
    let report = Report.taggedAlone(status)
    let image = try Okapi.image(report.animal)
    let enclosure = try Enclosure(report.animal, image: image)
    let visitor = try Visitor()
    let digest = isOfIt ? image.manifest : try Digest.of(Array("another".utf8))
    let ending = try await visitor.pull("\(enclosure.byTag)@\(digest)")
    // The digest alone decides: what the tag has now is never taken for it.
    try visitor.expect(
      ending, isOfIt ? .image : .error([.notFound, .unauthorised, .network]), of: image,
      naming: [enclosure.host])
    if case .failure(let error) = ending, status != 500 {
      #expect(error.description.contains("Requested image not found"), "\(error)")
    }
  }

  /// registry.k8s.io and its kin: https://github.com/containerd/containerd/issues/5503,
  /// https://github.com/google/go-containerregistry/issues/2359
  @Test(
    "all of a registry redirects to another one with a token of its own",
    arguments: [301, 302, 307, 308], [false, true])
  func redirectingRegistry(status: Int, isKnown: Bool) async throws {
    let bearer = Auth.Bearer(challenge: #"Bearer realm="REALM",service="HOST",scope="SCOPE""#)
    let target = Animal(
      "the other registry", "",
      facts: [
        Fact("anybody gets a token", "https://github.com/containerd/containerd/issues/5503") {
          $0.auth = .bearer(bearer)
        }
      ])
    let image = try Okapi.image(target)
    let other = try Enclosure(target, image: image)
    let host = other.host
    let front = Animal(
      "the registry", "",
      facts: [
        .habit("it redirects", "https://github.com/containerd/containerd/issues/5503") { visit, _ in
          Answer(status, [("Location", "http://\(host)\(visit.request.target)")])
        }
      ])
    let enclosure = try Enclosure(front, image: image)
    let visitor = try Visitor()
    let ending = try await visitor.pull(enclosure.byTag, as: isKnown ? Keeper.credential : nil)
    try visitor.expect(ending, .image, of: image)
    // Nobody's password has any business there.
    #expect(
      other.visits.allSatisfy { $0.request["authorization"]?.hasPrefix("Basic") != true })
  }

  /// https://github.com/containerd/containerd/issues/9648
  @Test("a mirror below a path has scopes and credentials of its own", arguments: [false, true])
  func mirrorBelowAPath(isNamespaced: Bool) async throws {
    let bearer = Auth.Bearer(
      challenge: #"Bearer realm="REALM",service="HOST",scope="SCOPE""#, anonymous: .refused(401))
    let animal = Animal(
      "a mirror", "",
      facts: [
        Fact("it is below a path", "https://github.com/containerd/containerd/issues/9648") {
          $0.pathPrefix = "proj"
          $0.auth = .bearer(bearer)
        }
      ])
    let image = try Okapi.image(animal)
    let mirror = try Enclosure(animal, image: image)
    let registry = try Enclosure(Animal("a registry", "", facts: []), image: image)
    let folder = try TemporaryFolder()
    let key = isNamespaced ? "\(mirror.host)/proj" : mirror.host
    try writeFile(folder("auth.json"), Keeper.authFile(for: key).utf8)
    let visitor = try Visitor()
    // As mirror files make one of `MIRROR/proj`.
    var endpoint = Endpoint(
      origin: try RemoteURL("http://\(mirror.host)/").origin, namespace: registry.host)
    endpoint.registry = mirror.host
    endpoint.repository = "proj/" + (try Reference(registry.byTag)).repository
    let ending = try await visitor.pull(
      registry.byTag, mirrors: [endpoint], authFile: folder("auth.json"))
    try visitor.expect(ending, .image, of: image)
    #expect(registry.visits.isEmpty)
  }
}
