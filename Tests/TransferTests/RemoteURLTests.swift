import Testing
import Transfer

@Suite("RemoteURL")
struct RemoteURLTests {
  @Test(
    "keeps what every reader understands the same way",
    arguments: [
      ("https://Example.COM/a?b=c#d", "https://example.com/a?b=c"),
      ("http://h:80/", "http://h/"), ("https://h:443", "https://h/"),
      ("http://h:8080?x", "http://h:8080/?x"),
      ("https://[2001:DB8::1]:5000/v2/", "https://[2001:db8::1]:5000/v2/"),
      ("https://h/a b\"c|d", "https://h/a%20b%22c%7Cd"), ("https://h/%2F", "https://h/%2F"),
      ("https://h/ü", "https://h/%C3%BC"),
    ])
  func keeps(text: String, expected: String) throws {
    #expect(try RemoteURL(text).description == expected)
  }

  @Test(
    "refuses what could mean two things, and other schemes",
    arguments: [
      "", "x", "/v2/", "file:///etc/passwd", "ftp://h/", "gopher://h", "https://", "https:///x",
      "https://user@h/", "https://user:pw@h/", "https://good.com\\@evil.com/", "https://h:0/",
      "https://h:65536/",
      "https://h:x/", "https://h /", "https://h\u{0}/", "https://h/a\r\nX: y", "https://[::1/",
      "https://[zz]/",
      "https://[::1]x/", "https://h%2e/", "https://ex\u{E4}mple/",
    ])
  func refuses(text: String) {
    #expect(throws: TransferError.self) { try RemoteURL(text) }
  }

  @Test(
    "follows relative locations (RFC 3986)",
    arguments: [
      ("/x", "http://h/x"), ("x", "http://h/a/x"), ("../x", "http://h/x"),
      ("../../../x", "http://h/x"),
      ("./x/./y", "http://h/a/x/y"), ("?q=1", "http://h/a/b?q=1"), ("//g/x", "http://g/x"),
      ("https://g/x", "https://g/x"), ("", "http://h/a/b?c=d"),
      ("x?u=http://y/", "http://h/a/x?u=http://y/"),
      ("..", "http://h/"), ("/a/../b/.", "http://h/b/"),
    ])
  func resolves(location: String, expected: String) throws {
    #expect(try RemoteURL("http://h/a/b?c=d").resolving(location).description == expected)
  }

  @Test("a relative location cannot smuggle in another scheme")
  func refusesSmuggling() throws {
    let base = try RemoteURL("https://h/a")
    for location in ["file:/etc/passwd", "javascript:x", "data:,x"] {
      #expect(throws: TransferError.self) { try base.resolving(location) }
    }
  }

  @Test(
    "knows addresses that never leave this machine, and those of metadata services",
    arguments: [
      ("http://localhost/", true, false), ("http://127.0.0.1/", true, false),
      ("http://127.9.9.9/", true, false),
      ("http://[::1]/", true, false), ("http://x.localhost/", true, false),
      ("http://127.0.0.1.example.com/", false, false), ("http://169.254.169.254/", false, true),
      ("http://[fe80::1]/", false, true), ("http://metadata.google.internal/", false, true),
      ("http://10.0.0.1/", false, false), ("http://192.168.1.1/", false, false),
      // The same places in other spellings.
      ("http://127.1/", true, false), ("http://2130706433/", true, false),
      ("http://0x7f.0.0.1/", true, false), ("http://0177.0.0.1/", true, false),
      ("http://0.0.0.0/", true, false), ("http://0/", true, false), ("http://[::]/", true, false),
      ("http://[::ffff:127.0.0.1]/", true, false), ("http://[::ffff:7f00:1]/", true, false),
      ("http://[0:0:0:0:0:0:0:1]/", true, false), ("http://[::127.0.0.1]/", true, false),
      ("http://localhost./", true, false), ("http://LocalHost/", true, false),
      ("http://127.0.0.1./", true, false),
      ("http://2852039166/", false, true), ("http://0xa9fea9fe/", false, true),
      ("http://169.254.43518/", false, true), ("http://[::ffff:a9fe:a9fe]/", false, true),
      ("http://[64:ff9b::169.254.169.254]/", false, true),
      ("http://metadata.google.internal./", false, true),
      ("http://[fd00:0ec2::254]/", false, true), ("http://[fd00:ec2:0:0::254]/", false, true),
      ("http://100.100.100.200/", false, true), ("http://168.63.129.16/", false, true),
      ("http://[fd20:ce::254]/", false, true), ("http://[fd00:c1::a9fe:a9fe]/", false, true),
      ("http://[fd00:42::42]/", false, true), ("http://[64:ff9b::7f00:1]/", false, false),
      ("http://[febf::1]/", false, true), ("http://[fec0::1]/", false, false),
      ("http://[fd00:ec3::1]/", false, false), ("http://128.0.0.1/", false, false),
      ("http://169.253.1.1/", false, false), ("http://[2001:db8::1]/", false, false),
      ("http://127-0-0-1.example/", false, false), ("http://1e100/", false, false),
    ])
  func classifies(text: String, loopback: Bool, metadata: Bool) throws {
    let origin = try RemoteURL(text).origin
    #expect(origin.isLoopback == loopback)
    #expect(origin.isLinkLocalOrMetadata == metadata)
  }

  @Test(
    "addresses of which a gateway or a tunnel makes another are seen as that one, too",
    arguments: [
      "2002:%::1", "64:ff9b::%", "64:ff9b:1::%", "64:ff9b:1:%:0:0:0:0".replacing("%", with: "~"),
      "::ffff:0:%", "2001:0:%::1", "2001::^", "fe00::5efe:%", "2001:db8::200:5efe:%",
      "2001:db8::5efe:%",
    ], [(0xA9FE_A9FE, false, true), (0x7F00_0001, true, false), (0xC000_0201, false, false)])
  func carried(form: String, address: (bits: UInt32, loopback: Bool, metadata: Bool)) throws {
    func words(_ bits: UInt32) -> String {
      String(bits >> 16, radix: 16) + ":" + String(bits & 0xFFFF, radix: 16)
    }
    let bits = address.bits
    // RFC 6052: with a prefix of 48 bits, bits 64 to 71 are left out.
    let split =
      String(bits >> 16, radix: 16) + ":" + String(bits >> 8 & 0xFF, radix: 16) + ":"
      + String((bits & 0xFF) << 8, radix: 16)
    let text = form.replacing("%", with: words(bits)).replacing("^", with: words(~bits))
      .replacing("~:0:0:0:0", with: split + ":0:0")
    let origin = try RemoteURL("http://[\(text)]/").origin
    #expect(origin.mayBeLoopback == address.loopback, "\(text)")
    #expect(origin.isLinkLocalOrMetadata == address.metadata, "\(text)")
    // Plain HTTP is spoken only where this machine is named itself.
    #expect(!origin.isLoopback)
  }

  @Test("a refused URL is quoted without passwords, signatures and escape codes")
  func quotesHarmlessly() {
    for text in [
      "https://user:secret@h/", "https://h\\x?sig=secret", "ftp://h/?secret",
      "ftp://h/\u{9B}31m\u{202E}", "http://u:secret@h/#secret", "//u:secret@h/", "/a#t=secret",
    ] {
      let error = #expect(throws: TransferError.self) { try RemoteURL(text) }
      let message = error?.message ?? ""
      #expect(!message.contains("secret"))
      #expect(message.unicodeScalars.allSatisfy { (0x20..<0x7F).contains($0.value) || $0 == "…" })
    }
  }

  @Test("hides signatures")
  func hidesSignatures() throws {
    #expect(try RemoteURL("https://h/a?X-Amz-Signature=secret").redacted == "https://h/a?…")
  }
}
