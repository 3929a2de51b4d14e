@testable import Registry
import Testing
import Transfer

/// What is a page, and not what was asked for.
@Suite("Pages")
struct PageTests {
  /// An answer, and what it is by its head alone, by its body alone, and by both.
  struct Case: CustomTestStringConvertible {
    var type: String?
    var body: String
    var byHead: Bool
    var byBody: Bool
    var byBoth: Bool
    var challenge = false

    init(
      _ type: String?, _ body: String, head: Bool, body byBody: Bool, both: Bool,
      challenge: Bool = false
    ) {
      (self.type, self.body, self.challenge) = (type, body, challenge)
      (byHead, self.byBody, byBoth) = (head, byBody, both)
    }

    var testDescription: String { "\(type ?? "no type"): \(body.prefix(40))" }
  }

  static let login = "<!DOCTYPE html><html><body>Please log in</body></html>"
  static let oci = "application/vnd.oci.image.manifest.v1+json"

  static let cases = [
    Case("text/html", login, head: true, body: true, both: true),
    Case("text/html; charset=utf-8", login, head: true, body: true, both: true),
    Case("TEXT/HTML", login, head: true, body: true, both: true),
    Case("application/xhtml+xml", login, head: true, body: true, both: true),
    // Content counts before what it is called.
    Case(oci, login, head: false, body: true, both: true),
    Case(nil, "\n\t <html lang=en>", head: false, body: true, both: true),
    Case("text/plain", "\u{FEFF}<!doctype HTML>", head: false, body: true, both: true),
    Case(
      "application/xml", "<?xml version=\"1.0\"?><!DOCTYPE html><html>", head: false, body: true,
      both: true),
    Case(nil, "<!-- portal --><head><title>x</title>", head: false, body: true, both: true),
    Case("text/html", #"{"errors":[{"code":"DENIED"}]}"#, head: true, body: false, both: false),
    Case("text/html", #" {"schemaVersion":2}"#, head: true, body: false, both: false),
    Case("text/html", "[1]", head: true, body: false, both: false),
    // Where the content does not tell, the type does.
    Case("text/html", "", head: true, body: false, both: true),
    Case("text/html", "<p>Please log in</p>", head: true, body: false, both: true),
    Case("text/html", "Access denied", head: true, body: false, both: true),
    Case(nil, "", head: false, body: false, both: false),
    Case(oci, #"{"schemaVersion":2}"#, head: false, body: false, both: false),
    Case(oci, "<p>", head: false, body: false, both: false),
    // A storage service's error is its own word.
    Case(
      "application/xml", "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>",
      head: false, body: false, both: false),
    Case(
      "text/html", "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", head: true,
      body: false, both: false),
    Case("text/plain", "denied: <html> is not allowed", head: false, body: false, both: false),
    Case("text/htmlish", "x", head: false, body: false, both: false),
    // Who says how one is let in speaks the protocol.
    Case("text/html", login, head: false, body: true, both: false, challenge: true),
  ]

  @Test(
    "what begins like a page is one, whatever it is called; else its type tells", arguments: cases)
  func pages(one: Case) {
    var fields = one.type.map { [("Content-Type", $0)] } ?? []
    if one.challenge { fields.append(("WWW-Authenticate", "Basic realm=x")) }
    let head = ResponseHead(status: 200, fields: HTTPFields(fields))
    let body = Array(one.body.utf8)
    #expect(PageRule.isPage(head) == one.byHead)
    #expect(PageRule.isPage(body) == one.byBody)
    #expect(PageRule.isPage(TransferResponse(head: head, body: body)) == one.byBoth)
  }

  @Test("bytes that are no text are no page, however many they are")
  func binary() {
    for body in [[0x1F, 0x8B, 0x3C], [0xFF], [UInt8](repeating: 0x3C, count: 100_000)] {
      #expect(!PageRule.isPage(body as [UInt8]))
    }
  }
}
