/// What stands between a puller and a registry.
extension Animal {
  static let corporateProxy = Animal(
    "corporate TLS proxy", "holds a body back until all of it is scanned",
    facts: [
      .habit(
        "nothing comes before all of a large answer is scanned",
        "https://knowledge.broadcom.com/external/article/161633/delayed-download-with-web-securitycloud.html"
      ) { visit, usual in
        guard visit.isContent else { return nil }
        return usual(visit).with { $0.silence = 1 + $0.body.count / 1024 }
      }
    ])

  static let cloudflare = Animal(
    "Cloudflare", "its own errors as pages: 520, 429",
    facts: [
      .habit(
        "5xx of its own as pages",
        "https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/"
      ) { visit, _ in
        visit.isManifest && visit.nthOfKind == 1 || visit.isContent && visit.nthOfKind == 2
          ? .page(520, "Web server is returning an unknown error", [("Server", "cloudflare")])
          : nil
      },
      .habit(
        "its limit on requests is a page", "https://github.com/ketches/registry-proxy/issues/5"
      ) { visit, _ in
        visit.isContent && visit.nthOfKind == 3
          ? .page(429, "This website has been temporarily rate limited", [("Server", "cloudflare")])
          : nil
      },
    ])

  static let portalPage = Animal(
    "captive portal", "302 to a login page for everything",
    anonymous: .error([.integrity, .network]), known: .error([.integrity, .network]),
    facts: [
      .habit(
        "everything is redirected to a login page",
        "https://evertpot.com/http/511-network-authentication-required"
      ) { visit, _ in
        visit.request.path == "/login"
          ? .page(200, "Welcome to the network")
          : Answer(302, [("Location", visit.url(.storage, "/login"))])
      }
    ])

  static let portal511 = Animal(
    "captive portal by RFC 6585", "511 with a page for everything",
    anonymous: .error([.network]), known: .error([.network]),
    facts: [
      .habit(
        "511 with a link to the login page", "https://www.rfc-editor.org/rfc/rfc6585#section-6"
      ) { _, _ in .page(511, "Network Authentication Required") }
    ])

  static let squid = Animal(
    "squid", "`Via`, and ranges passed on",
    facts: [
      .habit(
        "ranges are passed on, and answers marked",
        "https://www.squid-cache.org/Doc/config/range_offset_limit/"
      ) { visit, usual in
        usual(visit).with { $0.fields.append(("Via", "1.1 zoo (squid/6.6)")) }
      }
    ])

  static let squidDenies = Animal(
    "squid that denies", "its page with 403",
    anonymous: .error([.network]), known: .error([.network]),
    facts: [
      .habit(
        "403 with its own page", "https://github.com/sameersbn/docker-squid/issues/65"
      ) { _, _ in .page(403, "ERROR: The requested URL could not be retrieved. Access Denied.") }
    ])

  static let squidAsks = Animal(
    "squid that wants a password", "407 with a page",
    anonymous: .error([.network, .unauthorised]), known: .error([.network, .unauthorised]),
    facts: [
      .habit(
        "407 with a challenge", "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.8"
      ) { _, _ in
        .page(
          407, "Cache Access Denied", [("Proxy-Authenticate", #"Basic realm="squid""#)])
      }
    ])

  static let envoy = Animal(
    "Envoy", "names of fields in lower case",
    facts: [
      Fact(
        "names are in lower case",
        "https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/header_casing"
      ) { $0.wire.writesNamesInLowerCase = true }
    ])
}
