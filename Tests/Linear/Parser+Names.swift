@testable import OCI
@testable import Progress
@testable import Registry
@testable import Text
import Transfer

extension Parser {
  /// A parser of text as it comes in by the door.
  static func ofText(
    _ name: String, _ frames: [Frame] = [], _ parse: @escaping @Sendable (String) -> Void
  ) -> Parser {
    Parser(name, frames) { parse(String(outside: $0)) }
  }

  /// Names, and what is shown of them.
  static let names: [Parser] = [
    ofText("reference", [.init("a.b/", "/c:1"), .init("a.b/c:"), .init("a.b/c@sha256:")]) {
      _ = try? Reference($0)
    },
    ofText("digest", [.init("sha256:")]) { _ = try? Digest($0) },
    ofText("platform", [.init("linux/", "/v8")]) { _ = try? Platform($0) },
    ofText("short name") { _ = ShortName($0) },
    ofText("prefix", [.init("*.")]) { _ = NamePrefix($0) },
    ofText("url", [.init("https://a.b/"), .init("https://", "/"), .init("https://a.b/?a=")]) {
      _ = try? RemoteURL($0)
      _ = try? RemoteURL("https://a.b/c?d").resolving($0)
    },
    ofText("printing") {
      _ = $0.shownSafely(limit: 1 << 20)
      _ = $0.escapedForTerminals()
      _ = $0.escapedForTerminals(lineLimit: 80)
      _ = $0.linesShownSafely
    },
    ofText("secrets") { text in
      let url = try? RemoteURL("https://a.b/c?d=aaaaaaaaaa&e=\(String(repeating: "a", count: 300))")
      _ = Secrets(authorization: "Basic YTphYWE=", url: url).redact(text)
    },
    ofText("strings") { text in
      _ = Set([text, text + "a"]).contains("a" + text)
      _ = text.split(separator: "/").count + text.split(separator: ":").count
      _ = text.hasSuffix("b") || text.lowercased() == text
    },
  ]
}
