import OCI
import Testing

@testable import Serve

struct ServeTargetTests {
  static let digest = "sha256:" + String(repeating: "ab", count: 32)

  @Test(
    "what a request's target means",
    arguments: [
      ("/v2/", "base"), ("/v2", "base"), ("/metrics", "metrics"), ("/healthz", "health"),
      (
        "/v2/library/ubuntu/manifests/22.04?ns=docker.io",
        "docker.io library/ubuntu tag 22.04 query"
      ),
      ("/v2/docker.io/library/ubuntu/manifests/22.04", "docker.io library/ubuntu tag 22.04 path"),
      ("/v2/a/b/c/manifests/\(digest)?ns=ghcr.io", "ghcr.io a/b/c digest query"),
      ("/v2/a/blobs/sha256%3A\(digest.dropFirst(7))?ns=r:5000", "r:5000 a blob query"),
      ("/v2/a/blobs/\(digest)?ns=r%3A5000&x=1", "r:5000 a blob query"),
      ("/v2/r__5000/a/blobs/\(digest)", "r:5000 a blob path"),
      (
        "/v2/127.0.0.1__5000/manifests/blobs/manifests/x",
        "127.0.0.1:5000 manifests/blobs tag x path"
      ),
      ("/v2/r.io/a/tags/list?n=3&last=b", "r.io a tags n=3&last=b path"),
      ("/v2/library/ubuntu/manifests/22.04", "docker.io library/ubuntu tag 22.04 path"),
      ("/v2/org__x/a/b/blobs/\(digest)", "docker.io org__x/a/b blob path"),
      ("/v2/library/manifests/manifests/x?ns=", "docker.io library/manifests tag x path"),
      ("/v2/a/referrers/\(digest)?ns=r.io&artifactType=x", "r.io a referrers query"),
      ("/v2/a/manifests/x?%zz=1&n%73=r.io", "r.io a tag x query"),
    ])
  func means(_ target: String, _ expected: String) throws {
    #expect(describe(try #require(ServeTarget(target))) == expected)
  }

  @Test(
    "what is no target",
    arguments: [
      "", "/", "/v1/", "/v2//", "/v2/a", "/v2/manifests/x", "/v2/r.io/manifests/x",
      "/v2/r.io/a/manifests/", "/v2/r.io/a/manifests/..%2f..%2fx", "/v2/r.io/a/blobs/sha256:12",
      "/v2/r.io/../a/manifests/x", "/v2/r.io/A/manifests/x", "/v2/r.io//a/manifests/x",
      "/v2/a/manifests/x?ns=r.io/b", "/v2/a/manifests/x?ns=user@r.io", "/v2/r.io/a/uploads/x",
      "/v2/r.io/a/manifests/%zz", "/v2/r.io/a/manifests/%4", "/v2/r.io/a/manifests/x%00",
      "/v2/r.io/a/manifests/x%0d%0ay", "/v2/a/manifests/x?ns=library", "http://r.io/v2/",
      "/v2/ubuntu/manifests/latest?ns=docker.io", "/v2/ubuntu/manifests/latest",
      "/v2/docker.io/ubuntu/manifests/x", "/v2/library/Ubuntu/manifests/x",
      // A registry that cannot be read is not another one.
      "/v2/a/b/manifests/x?ns=%zz", "/v2/a/b/manifests/x?ns=%1b", "/v2/a/b/manifests/x?ns=r.io%00",
      "/v2/a/b/manifests/x?ns=r.io%2", "/v2/a/b/manifests/x?ns=%c3%a9.example",
      "/v2/a/b/manifests/x?ns=r.io%20", "/v2/a/b/manifests/x?ns=r.io%0a&ns=docker.io",
      "/v2/r.io/b/manifests/x?n%73=%zz", "/v2/a/b/manifests/x?n%73=library",
    ])
  func isNone(_ target: String) { #expect(ServeTarget(target) == nil) }

  private func describe(_ target: ServeTarget) -> String {
    func name(_ upstream: Upstream) -> String {
      "\(upstream.reference.registry) \(upstream.reference.repository)"
    }
    switch target {
    case .base: return "base"
    case .metrics: return "metrics"
    case .health: return "health"
    case .manifest(let at, .tag(let tag)): return "\(name(at)) tag \(tag) \(at.form)"
    case .manifest(let at, .digest): return "\(name(at)) digest \(at.form)"
    case .blob(let at, _): return "\(name(at)) blob \(at.form)"
    case .tags(let at, let query): return "\(name(at)) tags \(query) \(at.form)"
    case .referrers(let at, _, _): return "\(name(at)) referrers \(at.form)"
    }
  }
}
