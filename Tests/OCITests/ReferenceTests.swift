import OCI
import Testing

@Suite("Reference")
struct ReferenceTests {
  static let hash = String(repeating: "a1", count: 32)

  @Test(
    "normalises as Docker does",
    arguments: [
      ("ubuntu", "docker.io/library/ubuntu:latest"),
      ("ubuntu:22.04", "docker.io/library/ubuntu:22.04"),
      ("docker.io/ubuntu", "docker.io/library/ubuntu:latest"),
      ("index.docker.io/ubuntu", "docker.io/library/ubuntu:latest"),
      ("bitnami/redis:7", "docker.io/bitnami/redis:7"),
      ("ghcr.io/o/n", "ghcr.io/o/n:latest"),
      ("localhost/x", "localhost/x:latest"),
      ("localhost:5000/x", "localhost:5000/x:latest"),
      ("localhost:5000/x:1", "localhost:5000/x:1"),
      ("127.0.0.1:5000/a/b/c:v1.2-rc_3", "127.0.0.1:5000/a/b/c:v1.2-rc_3"),
      ("[::1]:5000/x:1", "[::1]:5000/x:1"),
      ("[2001:db8::1]/x", "[2001:db8::1]/x:latest"),
      ("MyHost/x", "MyHost/x:latest"),
      ("a.b/c__d/e-f/g.h", "a.b/c__d/e-f/g.h:latest"),
      ("x--y/z", "docker.io/x--y/z:latest"),
      ("ubuntu@sha256:\(hash)", "docker.io/library/ubuntu@sha256:\(hash)"),
      ("ghcr.io/o/n:1@sha256:\(hash)", "ghcr.io/o/n:1@sha256:\(hash)"),
      ("ghcr.io/o/n@sha512:\(hash)\(hash)", "ghcr.io/o/n@sha512:\(hash)\(hash)"),
    ])
  func normalises(text: String, expected: String) throws {
    #expect(try Reference(text).description == expected)
  }

  @Test(
    "points at the offending character",
    arguments: [
      ("", 0, "empty"),
      ("Ubuntu", 0, "lower case"),
      ("ubuntu:", 7, "missing"),
      ("ubuntu:-x", 7, "tag"),
      ("ubuntu:a/b c", 7, "port"),
      ("ghcr.io/o/N", 10, "lower case"),
      ("ghcr.io//n", 8, "empty"),
      ("ghcr.io/o/n/", 12, "empty"),
      ("a..b/c", 2, "empty"),
      ("lib/a._b", 6, "separators"),
      ("lib/a___b", 7, "separators"),
      ("lib/-a", 4, "begins and ends"),
      ("lib/a-", 5, "begins and ends"),
      ("host.x:99999/y", 7, "port"),
      ("host.x:/y", 7, "port"),
      ("host.x:8a/y", 8, "port"),
      ("-h.x/y", 0, "host name"),
      ("[::1/x", 0, "closing"),
      ("[zz]/x", 1, "IPv6"),
      ("[1]/x", 1, "IPv6"),
      ("https://ghcr.io/o/n", 0, "scheme"),
      ("docker://alpine", 0, "scheme"),
      ("@sha256:\(hash)", 0, "before"),
      ("ubuntu@sha256:abc", 7, "64"),
      ("ubuntu@md5:abc", 7, "sha256"),
      ("ubuntu@sha256:" + String(repeating: "A", count: 64), 14, "0-9"),
      ("ünicode", 0, "cannot be"),
      ("a b", 1, "cannot be"), ("ab\u{301}c", 1, "cannot be"), ("exap\u{200D}le/x", 3, "cannot be"),
      ("x:1\u{301}", 2, "tag"),
      // moby#20972, moby#8824.
      (hash, 0, "64 hexadecimal"), ("\(hash):latest", 0, "64 hexadecimal"),
      ("sha256:\(hash)", 0, "a repository before it"),
    ])
  func pointsAtTheCharacter(text: String, offset: Int, word: String) {
    do {
      let reference = try Reference(text)
      Issue.record("\(text) was taken for \(reference)")
    } catch .invalidReference(_, let found, let reason) {
      #expect(found == offset)
      #expect(reason.contains(word), "\(reason)")
    } catch {
      Issue.record("another error: \(error)")
    }
  }

  @Test("shows a caret under the character")
  func showsACaret() {
    let error = #expect(throws: OCIError.self) { try Reference("ghcr.io/o/N") }
    #expect(
      error?.description == """
        invalid image reference: repository names are lower case: ghcr.io/o/n
          ghcr.io/o/N
                    ^
        """)
  }

  @Test(
    "a password is not quoted, and the caret stays where it was",
    arguments: [
      ("https://u:secret@h.example/a", "https://u:······@h.example/a"),
      ("u:secret@h.example/a", "u:······@h.example/a"), ("u:a@b@h/x", "u:···@h/x"),
      ("h.example:50/a@sha256:b", "h.example:50/a@sha256:b"), ("u@h/a:b", "u@h/a:b"),
      ("a:b@sha25:c", "a:b@sha25:c"),
    ])
  func password(text: String, shown: String) {
    let error = #expect(throws: OCIError.self) { try Reference(text) }
    #expect(error?.description.contains("\n  \(shown)\n") == true, "\(error?.description ?? "")")
  }

  @Test(
    "says what was meant, where that can be told",
    arguments: [
      ("oci://ghcr.io/o/chart:1.0+build", "scheme: ghcr.io/o/chart:1.0_build"),
      ("ghcr.io/o/chart:1.0+a+b", "in its place: ghcr.io/o/chart:1.0_a_b"),
      ("ghcr.io/O/Chart:1.0+Build", "lower case: ghcr.io/o/chart:1.0_Build"),
      ("https://ghcr.io/o/n", "scheme: ghcr.io/o/n"),
      ("localhost:5000/N:T", "lower case: localhost:5000/n:T"),
      ("Alpine", "lower case: alpine"), ("oci://a b", "a reference has no scheme"),
      ("x:1+ 2", "in its place"),
    ])
  func meant(text: String, end: String) {
    let error = #expect(throws: OCIError.self) { try Reference(text) }
    guard case .invalidReference(_, _, let reason) = error else { return }
    #expect(reason.hasSuffix(end), "\(reason)")
  }

  @Test("limits the length of names and tags")
  func limitsLengths() throws {
    #expect(throws: OCIError.self) { try Reference("x/" + String(repeating: "a", count: 256)) }
    #expect(throws: OCIError.self) { try Reference(String(repeating: "a", count: 248)) }
    #expect((try? Reference(String(repeating: "a", count: 247))) != nil)
    _ = try Reference("x:" + String(repeating: "a", count: 128))
    #expect(throws: OCIError.self) { try Reference("x:" + String(repeating: "a", count: 129)) }
  }

  @Test("asks Docker Hub's API host")
  func asksDockerHub() throws {
    #expect(try Reference("ubuntu").apiHost == "registry-1.docker.io")
    #expect(try Reference("ghcr.io/o/n").apiHost == "ghcr.io")
  }

  @Test("selects by digest before tag")
  func selectsByDigest() throws {
    #expect(try Reference("x:1").manifestSelector == "1")
    #expect(try Reference("x:1@sha256:\(Self.hash)").manifestSelector == "sha256:\(Self.hash)")
  }

  @Test("parses what it prints, for any printable input it accepts")
  func roundTrips() {
    var random = SystemRandomNumberGenerator()
    let alphabet = Array("ab09._-/:@[]AZ")
    for _ in 0..<20_000 {
      let count = Int.random(in: 1...14, using: &random)
      let text = String(
        (0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] })
      guard let reference = try? Reference(text) else { continue }
      #expect((try? Reference(reference.description)) == reference, "\(text)")
    }
  }

  @Test(
    "a familiar name means the same image",
    arguments: [
      ("docker.io/library/ubuntu:22.04", "ubuntu:22.04"), ("docker.io/o/n:1", "o/n:1"),
      ("docker.io/library/a/b:1", "library/a/b:1"), ("ghcr.io/library/x:1", "ghcr.io/library/x:1"),
      ("docker.io/library/localhost:5", "localhost:5"), ("docker.io/a.b/c:1", "docker.io/a.b/c:1"),
      ("docker.io/localhost/x:1", "docker.io/localhost/x:1"),
      ("docker.io/library/", "docker.io/library/"),
      ("docker.io/library/X:1", "docker.io/library/X:1"), ("", ""),
    ])
  func familiar(name: String, expected: String) throws {
    #expect(Reference.familiar(name) == expected)
    if let full = try? Reference(name) {
      #expect(try Reference(Reference.familiar(name)) == full)
    }
  }
}
