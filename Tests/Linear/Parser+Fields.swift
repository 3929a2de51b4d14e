@testable import Registry
@testable import Transfer

extension Parser {
  private static func head(_ status: Int, _ text: String) -> ResponseHead {
    ResponseHead(
      status: status,
      fields: HTTPFields(
        [
          "www-authenticate", "location", "link", "retry-after", "content-range", "content-type",
          "date", "content-length", "etag",
        ].map { ($0, text) }))
  }

  /// Fields of answers, and whole answers.
  static let fields: [Parser] = [
    ofText("challenge", [.init("Bearer realm=\""), .init("Bearer realm=a,"), .init("Basic ")]) {
      _ = Challenge.parse($0)
    },
    ofText("content-range", [.init("bytes ")]) { _ = ContentRange($0) },
    ofText("retry-after", [.init("Mon, 01 Jan 2024 ")]) { _ = RetryAfter.seconds($0, now: 0) },
    ofText(
      "link", [.init("<", ">; rel=\"next\""), .init("</v2/a/tags/list?last=", ">; rel=\"next\"")]
    ) {
      _ = TagPages.next(HTTPFields([("link", $0)]))
    },
    Parser("many fields") { bytes in
      let lines = bytes.split(separator: 10).map { (String(outside: $0), "b") }
      let fields = HTTPFields(lines)
      _ = fields["a"] == nil && fields.values("b").isEmpty
    },
    ofText("blob head") { text in
      _ = BlobVerdict.judge(head(206, text), wanted: 0..<10, size: 10)
    },
    Parser("denial", .json) { bytes in
      guard let url = try? RemoteURL("https://a.b/c") else { return }
      let text = String(outside: bytes)
      _ = Denial(TransferResponse(head: head(401, text), body: bytes), at: url).wantsMore(than: nil)
      _ = ResponseJudge.wantsTLS(TransferResponse(head: head(400, text), body: bytes))
    },
    ofText("proxy", [.init("http://", "@a:1"), .init("http://a:")]) { text in
      guard let url = try? RemoteURL("https://a.b/c") else { return }
      let rule = ProxyRule(plain: text, secure: text, exceptions: text)
      _ = try? rule.proxy(for: url.origin)
    },
    Parser("content encoding") { bytes in
      for coding in ["gzip", "deflate"] {
        _ = try? ContentDecoding.decode(bytes, encoding: coding, limit: 1 << 20)
      }
      _ = try? ContentDecoding.decode([], encoding: String(outside: bytes), limit: 1 << 20)
    },
    Parser(
      "certificates", [.init("-----BEGIN CERTIFICATE-----\n", "\n-----END CERTIFICATE-----\n")]
    ) {
      _ = PEMCertificate.read($0)
    },
    ofText("duration") { _ = GoDuration.seconds($0) },
  ]
}
