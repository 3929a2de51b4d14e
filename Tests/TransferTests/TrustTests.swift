import Glibc
import Support
import Testing

@testable import Transfer

/// Which authorities count, from which files [Go's crypto/x509; openssl-env(7)].
@Suite("Trust")
struct TrustTests {
  static let one = """
    -----BEGIN CERTIFICATE-----
    MIIBcTCCARegAwIBAgIUVvflCyz6xWn/4NTfWt4YG7hqJFIwCgYIKoZIzj0EAwIw
    DjEMMAoGA1UEAwwDb25lMB4XDTI2MTEyNjAxMTE1NVoXDTM2MTEyMzAxMTE1NVow
    DjEMMAoGA1UEAwwDb25lMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEncKPvQGi
    LMKH9erH5YLY5ZInFg6GYO83xIGUpOylca4LZ/HT6IXN13/FLhTYEzTwkwUa+81T
    kJUhkXRvMvO/Y6NTMFEwHQYDVR0OBBYEFH4bqU7lXaO8WgTV8y6/VZeMxuzbMB8G
    A1UdIwQYMBaAFH4bqU7lXaO8WgTV8y6/VZeMxuzbMA8GA1UdEwEB/wQFMAMBAf8w
    CgYIKoZIzj0EAwIDSAAwRQIhANW6s0B0Yfma4VncNe1oeR7tKnh/oXwQh6cm1XsC
    JXZiAiA+k929topWsoz7VQtF5I7/J2lairk089AYKvtNw7PFsA==
    -----END CERTIFICATE-----

    """
  static let two = """
    -----BEGIN CERTIFICATE-----
    MIIBcjCCARegAwIBAgIUbl/fOFXZCQZ0nQoAkq1sj+zSN38wCgYIKoZIzj0EAwIw
    DjEMMAoGA1UEAwwDdHdvMB4XDTI2MTEyNjAxMTE1NVoXDTM2MTEyMzAxMTE1NVow
    DjEMMAoGA1UEAwwDdHdvMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8P8X0rcF
    SmXJK25LbLyp3BhMQDDPKIif8Try0VY1e/SO5PHRMwk8K5TSeo8LSA2X836AfKLo
    6QSlv3p/8pKPPaNTMFEwHQYDVR0OBBYEFDKDsdxjL6ozflXcfEyptDz3mpGTMB8G
    A1UdIwQYMBaAFDKDsdxjL6ozflXcfEyptDz3mpGTMA8GA1UdEwEB/wQFMAMBAf8w
    CgYIKoZIzj0EAwIDSQAwRgIhANXyKll52WEhFeVqakTTUuT+Vdc61d94ug1HvCxz
    Z7FgAiEA4XJGw8BpVI+nzdRAs+nMmLgB2z4HchgK41toqdD0Lz0=
    -----END CERTIFICATE-----

    """
  /// The first, with what OpenSSL says it is good for.
  static let trusted = """
    -----BEGIN TRUSTED CERTIFICATE-----
    MIIBcTCCARegAwIBAgIUVvflCyz6xWn/4NTfWt4YG7hqJFIwCgYIKoZIzj0EAwIw
    DjEMMAoGA1UEAwwDb25lMB4XDTI2MTEyNjAxMTE1NVoXDTM2MTEyMzAxMTE1NVow
    DjEMMAoGA1UEAwwDb25lMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEncKPvQGi
    LMKH9erH5YLY5ZInFg6GYO83xIGUpOylca4LZ/HT6IXN13/FLhTYEzTwkwUa+81T
    kJUhkXRvMvO/Y6NTMFEwHQYDVR0OBBYEFH4bqU7lXaO8WgTV8y6/VZeMxuzbMB8G
    A1UdIwQYMBaAFH4bqU7lXaO8WgTV8y6/VZeMxuzbMA8GA1UdEwEB/wQFMAMBAf8w
    CgYIKoZIzj0EAwIDSAAwRQIhANW6s0B0Yfma4VncNe1oeR7tKnh/oXwQh6cm1XsC
    JXZiAiA+k929topWsoz7VQtF5I7/J2lairk089AYKvtNw7PFsDAMMAoGCCsGAQUF
    BwMB
    -----END TRUSTED CERTIFICATE-----

    """

  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  func file(_ name: String, _ text: String) throws -> String {
    try writeFile(folder(name), Array(text.utf8))
    return folder(name)
  }

  func directory(_ name: String, _ files: [String: String]) throws -> String {
    mkdir(folder(name), 0o700)
    for (file, text) in files { try writeFile("\(folder(name))/\(file)", Array(text.utf8)) }
    return folder(name)
  }

  /// The first certificate under another label.
  static func labelled(_ label: String) -> String {
    one.split(separator: "CERTIFICATE").joined(separator: label)
  }

  /// The first certificate's lines, with something at the end of each.
  static func lines(ending end: String) -> String {
    one.split(separator: "\n").map { $0 + end }.joined(separator: "\n")
  }

  /// What a file is like, its text, whole certificates in it, and damaged ones.
  static let files: [String: (text: String, count: Int, damaged: Int)] = [
    "empty": ("", 0, 0), "one": (one, 1, 0), "two": (one + two, 2, 0),
    "with a byte order mark": ("\u{FEFF}" + one, 1, 0),
    "with words between": ("# mine\n\n" + one + "words\n" + two, 2, 0),
    "with DOS line ends": (lines(ending: "\r"), 1, 0), "with blanks": (lines(ending: "  "), 1, 0),
    "of OpenSSL's own kind": (trusted, 1, 0),
    "of an old kind": (labelled("X509 CERTIFICATE"), 1, 0),
    "a key": (labelled("PRIVATE KEY"), 0, 0), "cut off": (String(one.prefix(300)), 0, 1),
    "cut off before another": (String(one.prefix(300)) + "\n" + two, 1, 1),
    "not of the form": (
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + one, 1, 1
    ),
    "nothing inside": ("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", 0, 1),
    "of another length": (one.split(separator: "MIIB").joined(separator: "MIIC"), 0, 1),
    "binary": ("\u{0}\u{1}", 0, 0), "half a mark": ("-----BEGIN CERTIFICATE", 0, 0),
    "only a mark": ("-----BEGIN CERTIFICATE-----", 0, 1),
  ]

  @Test(
    "certificates are found between whatever else a file has", arguments: files.keys.sorted())
  func reads(name: String) throws {
    let (text, count, damaged) = try #require(Self.files[name])
    let reading = PEMCertificate.read(Array(text.utf8))
    #expect(reading.certificates.count == count && reading.damaged == damaged)
    for certificate in reading.certificates {
      #expect(PEMCertificate.read(certificate.text).certificates == [certificate])
    }
  }

  @Test(
    "the system's are taken from its file and its folder, each once; links within the folder are no more"
  )
  func system() throws {
    let all = try file("all.pem", Self.one)
    let certificates = try directory(
      "certs",
      [
        "one.pem": Self.one, "two.crt": Self.two, "README": "x",
        "broken.pem": String(Self.one.prefix(99)),
      ])
    symlink("two.crt", certificates + "/12345678.0")
    mkdir(certificates + "/more", 0o700)
    mkfifo(certificates + "/fifo", 0o600)
    symlink("/nowhere/else", certificates + "/dead")
    func count(_ file: String?, _ folder: String?) -> Int? {
      try? TrustBundle(TrustSettings(), system: .init(file: file, folder: folder)).count
    }
    #expect(count(all, certificates) == 2 && count(all, nil) == 1 && count(nil, certificates) == 2)
    #expect(count("/nowhere", certificates) == 2 && count(all, "/nowhere") == 1)
    #expect(count(nil, nil) == nil && count("/nowhere", "/nowhere") == nil)
  }

  @Test(
    "SSL_CERT_FILE and SSL_CERT_DIR stand in place of the system's, the files of options beside them, --ca-only alone"
  )
  func places() throws {
    let one = try file("one.pem", Self.one)
    let two = try file("two.pem", Self.two)
    let first = try directory("first", ["a": Self.one])
    let second = try directory("second", ["b": Self.two])
    let system = TrustBundle.System(file: one, folder: nil)
    func texts(
      _ environment: [String: String] = [:], only: String? = nil, extra: [String] = [],
      server: [String] = []
    ) throws -> [UInt8] {
      var settings = TrustSettings()
      settings.read(environment: environment)
      settings.onlyFile = only
      settings.extraFiles = extra
      return try TrustBundle(settings, serverFiles: server, system: system).text
    }
    let (a, b, both) = (
      Array(Self.one.utf8), Array(Self.two.utf8), Array((Self.one + Self.two).utf8)
    )
    #expect(try texts() == a)
    #expect(try texts(["SSL_CERT_FILE": ""]) == a)
    #expect(try texts(["SSL_CERT_FILE": two]) == b)
    #expect(try texts(["SSL_CERT_DIR": second]) == b)
    #expect(try texts(["SSL_CERT_DIR": "\(first):\(second)"]) == both)
    #expect(try texts(["SSL_CERT_DIR": "/nowhere::\(second)"]) == b)
    #expect(try texts(["SSL_CERT_FILE": one, "SSL_CERT_DIR": second]) == both)
    #expect(try texts(["SSL_CERT_FILE": "/nowhere", "SSL_CERT_DIR": second]) == b)
    #expect(try texts(extra: [two]) == both)
    #expect(try texts(server: [two]) == both)
    #expect(try texts(server: [one]) == a)
    #expect(try texts(["SSL_CERT_FILE": "/nowhere"], extra: [two]) == b)
    #expect(try texts(only: two, server: [one]) == b)
    #expect(try texts(["SSL_CERT_FILE": one], only: two) == b)
  }

  @Test(
    "a file that was named and cannot be used is an error that names it; what the environment names may be missing"
  )
  func errors() throws {
    let damaged = try file("damaged.pem", Self.two + String(Self.one.prefix(200)))
    let empty = try file("empty.pem", "")
    let key = try file(
      "key.pem", Self.one.split(separator: "CERTIFICATE").joined(separator: "PRIVATE KEY"))
    let system = TrustBundle.System(file: try file("one.pem", Self.one), folder: nil)
    for (path, words) in [
      ("/nowhere.pem", "/nowhere.pem cannot be read: No such file or directory"),
      (folder.path, "cannot be read: it is a directory"),
      (damaged, "damaged.pem has a certificate that is damaged"),
      (empty, "empty.pem has no certificate in PEM form"), (key, "key.pem has no certificate"),
    ] {
      var extra = TrustSettings()
      extra.extraFiles = [path]
      var only = TrustSettings()
      only.onlyFile = path
      for settings in [extra, only] {
        let error = #expect(throws: TransferError.self) { try settings.check() }
        #expect(
          error?.kind == .tls && error?.message.contains(words) == true, "\(error?.message ?? "")")
      }
      #expect(throws: TransferError.self) {
        try TrustBundle(TrustSettings(), serverFiles: [path], system: system)
      }
    }
    var nothing = TrustSettings()
    nothing.read(environment: ["SSL_CERT_FILE": "/nowhere", "SSL_CERT_DIR": "/no:\(folder.path)"])
    #expect(
      nothing.unreadable == [
        "SSL_CERT_FILE: /nowhere cannot be read: No such file or directory",
        "SSL_CERT_DIR: /no cannot be read",
      ])
    try nothing.check()
    nothing.environmentFolders = ["/no"]
    let error = #expect(throws: TransferError.self) { try TrustBundle(nothing, system: system) }
    #expect(
      error?.message.contains("SSL_CERT_FILE and SSL_CERT_DIR lead to no certificate") == true)
  }
}
