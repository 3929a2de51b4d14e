import Testing

@testable import Transfer

/// Lines of a log, of servers that put secrets where they are printed.
@Suite("Requests in a log")
struct ObservedEngineTests {
  func line(_ fields: [(String, String)]) throws -> String {
    let response = TransferResponse(
      head: ResponseHead(status: 307, fields: HTTPFields(fields)), body: [])
    let request = TransferRequest(.get, try RemoteURL("https://r.example/v2/?sig=SECRET"))
    return ObservedEngine.line(request, .success(response), milliseconds: 1)
  }

  @Test(
    "secrets in URLs of an answer are not in its line",
    arguments: [
      ("Location", "http://us:SECRET@h.example/a?X=SECRET#SECRET", "location=http://h.example/a?…"),
      ("Location", "//us:SECRET@h.example/a", "location=//h.example/a"),
      ("Location", "/a#access_token=SECRET", "location=/a#…"),
      ("Location", "us:SECRET@h.example", "location=h.example"),
      (
        "Location", "http://us:SECRET/@SECRET@h.example/a b?SECRET",
        "location=http://h.example/a b?…"
      ),
      ("Location", "/v2/a", "location=/v2/a"),
      (
        "WWW-Authenticate",
        #"Bearer realm="http://us:SECRET@h/tok?key=SECRET, a SECRET",service="s""#,
        #"www-authenticate=Bearer realm="http://h/tok?…",service="s""#
      ),
      (
        "WWW-Authenticate", "Bearer realm=//us:SECRET@h/tok#key=SECRET service=s",
        "www-authenticate=Bearer realm=//h/tok#… service=s"
      ),
      (
        "WWW-Authenticate", #"Bearer realm="https://h/t?key=SECRET"#,
        #"www-authenticate=Bearer realm="https://h/t?…"#
      ),
      ("Via", "1.1 http://us:SECRET@h", "via=1.1 http://h"),
    ])
  func redacted(name: String, value: String, shown: String) throws {
    #expect(try line([(name, value)]) == "GET https://r.example/v2/?…: 307 \(shown) (1 ms)")
  }
}
