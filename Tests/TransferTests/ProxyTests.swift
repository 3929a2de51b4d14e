import Testing
@testable import Transfer

/// Proxies as users name them [podman#7531, podman#12883; golang.org/x/net/http/httpproxy].
@Suite("ProxyRule")
struct ProxyTests {
  func origin(_ text: String) throws -> RemoteURL.Origin { try RemoteURL(text).origin }

  @Test(
    "exceptions are matched as Go matches them",
    arguments: [
      ("*", "https://any.test", true), ("x.test,*", "https://10.0.0.1", true),
      ("*.corp.test", "https://reg.corp.test", true),
      ("*.corp.test", "https://a.b.corp.test:5000", true),
      ("*.corp.test", "https://corp.test", false), (".corp.test", "https://reg.corp.test", true),
      (".corp.test", "https://corp.test", false), ("corp.test", "https://corp.test", true),
      ("corp.test", "https://reg.corp.test", true), ("corp.test", "https://notcorp.test", false),
      ("reg.corp.test:5000", "https://reg.corp.test:5000", true),
      ("reg.corp.test:5000", "https://reg.corp.test", false),
      ("corp.test:5000", "https://a.corp.test:5000", true),
      ("*.corp.test:5000", "https://a.corp.test:5000", true),
      (".corp.test:5000", "https://a.corp.test:5001", false),
      ("corp.test:443", "https://corp.test", true), ("corp.test:80", "https://corp.test", false),
      ("corp.test:80", "http://corp.test", true), ("corp.test:", "http://corp.test", true),
      ("10.0.0.1:5000", "http://10.0.0.1:5000", true),
      ("10.0.0.1:5000", "http://10.0.0.1:5001", false), ("10.0.0.1", "http://10.0.0.1:1", true),
      ("10.0.0.1", "http://10.0.0.2", false), ("10.0.0.1", "http://0xa.1", true),
      ("10.0.0.1", "http://[::ffff:10.0.0.1]", true),
      ("10.0.0.0/8", "http://10.200.3.4:5000", true), ("10.1.2.3/8", "http://10.200.3.4", true),
      ("10.0.0.0/8", "http://11.0.0.1", false), ("0.0.0.0/0", "http://11.0.0.1", true),
      ("10.0.0.128/25", "http://10.0.0.127", false), ("10.0.0.128/25", "http://10.0.0.200", true),
      ("10.0.0.1/32", "http://10.0.0.1", true), ("10.0.0.0/33", "http://10.0.0.0", false),
      ("10.0.0.0/", "http://10.0.0.0", false), ("10.0.0.0/-1", "http://10.0.0.0", false),
      ("10.0.0.0/8", "https://ten.test", false), ("::ffff:10.0.0.0/104", "http://10.9.9.9", true),
      ("fd00::/8", "https://[fd12:3456::1]", true), ("fd00::/9", "https://[fd80::1]", false),
      ("fd00::/129", "https://[fd00::]", false), ("2001:db8::1", "https://[2001:db8:0::1]", true),
      ("[2001:db8::1]", "https://[2001:db8::1]:5000", true),
      ("[2001:db8::1]:443", "https://[2001:db8::1]", true),
      ("[2001:db8::1]:443", "https://[2001:db8::1]:5000", false),
      ("REG.Corp.Test", "https://reg.corp.test", true),
      ("reg.corp.test", "https://REG.corp.test", true),
      ("corp.test.", "https://reg.corp.test", true), ("corp.test", "https://reg.corp.test.", true),
      (" a.test , corp.test ", "https://corp.test", true),
      ("a.test corp.test", "https://corp.test", true), (",,", "https://corp.test", false),
      ("", "https://corp.test", false), (".", "https://corp.test", false),
      ("*corp.test", "https://corp.test", false), ("corp", "https://corp.test", false),
      ("test", "https://corp.test", true), (":5000", "https://corp.test:5000", false),
      ("corp.test:x", "https://corp.test", false), ("[", "https://corp.test", false),
      ("1.2", "http://1.2.3.4", false), ("0.1", "http://10.0.0.1", false),
    ])
  func exceptions(list: String, url: String, isOne: Bool) throws {
    #expect(try ProxyExceptions(list).contains(origin(url)) == isOne)
    let rule = ProxyRule(plain: "p:1", secure: "p:1", exceptions: list)
    #expect(try rule.proxy(for: origin(url)) == (isOne ? nil : Proxy("p:1")))
  }

  @Test(
    "this machine is never reached through a proxy",
    arguments: [
      "http://localhost:5000", "http://a.localhost", "http://127.0.0.1", "http://127.9.9.9:1",
      "http://[::1]:5000", "http://[::ffff:127.0.0.1]", "https://localhost.", "http://127.1",
    ])
  func loopback(url: String) throws {
    let rule = ProxyRule(plain: "http://p", secure: "http://p")
    #expect(try rule.proxy(for: origin(url)) == nil)
  }

  @Test(
    "addresses are read as Go reads them",
    arguments: [
      ("http://proxy:3128", "http://proxy:3128"), ("proxy:3128", "http://proxy:3128"),
      ("proxy", "http://proxy:80"), ("10.0.0.1:3128", "http://10.0.0.1:3128"),
      ("http://proxy", "http://proxy:80"), ("https://proxy", "https://proxy:443"),
      ("https://proxy:8443/", "https://proxy:8443"), ("HTTP://Proxy/?x#y", "http://proxy:80"),
      ("http://proxy:", "http://proxy:80"), ("socks5://proxy", "socks5h://proxy:1080"),
      ("socks5h://proxy:9050", "socks5h://proxy:9050"),
      ("SOCKS5://10.0.0.1", "socks5h://10.0.0.1:1080"),
      ("socks4a://proxy", "socks4a://proxy:1080"),
      ("http://[2001:db8::1]:1", "http://[2001:db8::1]:1"),
      ("http://[2001:db8::1]", "http://[2001:db8::1]:80"),
      ("https://[2001:db8::1]", "https://[2001:db8::1]:443"),
      ("http://[fe80::1%25eth0]:1", "http://[fe80::1%25eth0]:1"),
      ("http://[fe80::1%eth0]", "http://[fe80::1%25eth0]:80"),
      ("http://169.254.1.1:3128", "http://169.254.1.1:3128"),
    ])
  func addresses(text: String, shown: String) throws {
    let proxy = try Proxy(text)
    #expect(proxy.description == shown && proxy.login == nil)
  }

  @Test(
    "credentials go to the proxy and nowhere else",
    arguments: [
      ("http://user:secret@proxy:1", "http://proxy:1", "user", "secret"),
      ("user:secret@proxy:1", "http://proxy:1", "user", "secret"),
      ("http://user@proxy", "http://proxy:80", "user", nil),
      ("socks5://u:@proxy:1", "socks5h://proxy:1", "u", ""),
      ("http://u:p%40ss%2Fword@proxy:1", "http://proxy:1", "u", "p@ss/word"),
      ("http://u:p@ss:word@proxy:1", "http://proxy:1", "u", "p@ss:word"),
      ("http://ü:%C3%BC@proxy:1", "http://proxy:1", "ü", "ü"),
    ] as [(String, String, String, String?)])
  func credentials(text: String, shown: String, user: String, password: String?) throws {
    let proxy = try Proxy(text)
    #expect(proxy.description == shown)
    #expect(proxy.login == Proxy.Login(user: user, password: password))
  }

  @Test(
    "an address that makes no sense is an error for those who need it, and is not repeated",
    arguments: [
      "http://user:pass word@proxy", "ftp://word", "http://", "://word", "http://word:99999",
      "http://word:port", "http://u:%zz@word", "http://u:%00word@proxy", "http://[word]",
      "http://u:word%0A@proxy", "http://u%09:word@proxy", "socks5://u:word%7F@proxy",
      "http://u:word@[1:2:3]:3128", "http://u:word@[:]", "http://u:word@[1::2::3]",
      "http://wo\u{7}rd",
      "http://[fe80::1%]:1", "word\\proxy",
    ])
  func nonsense(text: String) throws {
    let rule = ProxyRule(secure: text, exceptions: "near.test")
    let error = #expect(throws: TransferError.self) {
      try rule.proxy(for: origin("https://far.test"))
    }
    #expect(error?.kind == .invalidURL && error?.message.contains("word") == false)
    #expect(try rule.proxy(for: origin("http://far.test")) == nil)
    #expect(try rule.proxy(for: origin("https://near.test")) == nil)
  }

  @Test(
    "proxies come from the environment, lower case first, each for its own kind of server",
    arguments: [
      (["HTTP_PROXY": "a:1"], "http://a:1", nil), (["https_proxy": "b:1"], nil, "http://b:1"),
      (["http_proxy": "a:1", "HTTP_PROXY": "b:1"], "http://a:1", nil),
      (["http_proxy": "", "HTTP_PROXY": "b:1"], "http://b:1", nil),
      (["http_proxy": " ", "HTTP_PROXY": " b:1 "], "http://b:1", nil),
      (["ALL_PROXY": "socks5://c"], "socks5h://c:1080", "socks5h://c:1080"),
      (["all_proxy": "c:1", "HTTPS_PROXY": "b:1"], "http://c:1", "http://b:1"),
      (["ALL_PROXY": "c:1", "NO_PROXY": "far.test"], nil, nil),
      (["ALL_PROXY": "c:1", "no_proxy": "far.test", "NO_PROXY": "x"], nil, nil), ([:], nil, nil),
      // What a web server's client says (CVE-2016-5385).
      (["REQUEST_METHOD": "GET", "HTTP_PROXY": "a:1", "HTTPS_PROXY": "b:1"], nil, "http://b:1"),
      (["REQUEST_METHOD": "GET", "HTTP_PROXY": "a:1", "http_proxy": "b:1"], "http://b:1", nil),
      (
        ["REQUEST_METHOD": "GET", "HTTP_PROXY": "a:1", "ALL_PROXY": "b:1"], "http://b:1",
        "http://b:1"
      ),
      (["REQUEST_METHOD": "", "HTTP_PROXY": "a:1"], "http://a:1", nil),
    ] as [([String: String], String?, String?)])
  func environment(variables: [String: String], plain: String?, secure: String?) throws {
    var settings = TransferSettings()
    settings.read(environment: variables)
    #expect(try settings.proxies.proxy(for: origin("http://far.test"))?.description == plain)
    #expect(try settings.proxies.proxy(for: origin("https://far.test"))?.description == secure)
  }
}
