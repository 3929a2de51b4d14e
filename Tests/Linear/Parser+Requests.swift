@testable import Serve

extension Parser {
  /// What callers of the local endpoint send; heads that are no ASCII are refused as a whole.
  static let requests: [Parser] = [
    ofASCII(
      "target",
      [
        .init("/v2/", "/manifests/latest"), .init("/v2/a/b/manifests/"),
        .init("/v2/a/b/tags/list?ns="),
      ]
    ) {
      _ = ServeTarget($0)
    },
    ofASCII("range", [.init("bytes=")]) { _ = RangeRequest($0, size: 100) },
    ofASCII("host") { text in
      _ = HostGuard(host: "127.0.0.1", port: 5151).refusal(
        hosts: [text], origins: [], sites: [text])
    },
    ofASCII("authorization", [.init("Basic "), .init("Bearer ")]) { _ = try? CallerCredential($0) },
    ofText("tags of anybody", .json) { text in
      var memory = TagMemory()
      memory.read(text, now: 1e9)
    },
    ofText("uses of a cache") { _ = CacheUses(parsing: $0) },
  ]

  private static func ofASCII(
    _ name: String, _ frames: [Frame] = [], _ parse: @escaping @Sendable (String) -> Void
  ) -> Parser {
    ofText(name, frames) { if $0.utf8.allSatisfy({ $0 < 0x80 }) { parse($0) } }
  }
}
