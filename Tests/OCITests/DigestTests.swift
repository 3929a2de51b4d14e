import OCI
import Testing

@Suite("Digest")
struct DigestTests {
  @Test("takes SHA-256 and SHA-512 in lower-case hex")
  func takes() throws {
    let short = "sha256:" + String(repeating: "0f", count: 32)
    let long = "sha512:" + String(repeating: "0f", count: 64)
    #expect(try Digest(short).description == short)
    #expect(try Digest(long).algorithm == .sha512)
    #expect(
      try Digest(algorithm: .sha256, bytes: [UInt8](repeating: 0x0f, count: 32)).description
        == short)
  }

  @Test(
    "refuses everything else, paths above all (CVE-2024-3727)",
    arguments: [
      "", "sha256", "sha256:", "sha256:abc", "md5:" + String(repeating: "a", count: 32),
      "sha256:" + String(repeating: "A", count: 64), "sha256:" + String(repeating: "g", count: 64),
      "sha256:../../../../etc/passwd", "sha256:" + String(repeating: "../", count: 21) + "a",
      "sha256:" + String(repeating: "a", count: 65), " sha256:" + String(repeating: "a", count: 64),
      "sha256:" + String(repeating: "a", count: 63) + "\n",
      "SHA256:" + String(repeating: "a", count: 64),
      "sha256:" + String(repeating: "é", count: 32),
    ])
  func refuses(text: String) {
    #expect(throws: OCIError.self) { try Digest(text) }
  }

  @Test("refuses a hash of the wrong length")
  func refusesWrongLength() {
    #expect(throws: OCIError.self) {
      try Digest(algorithm: .sha512, bytes: [UInt8](repeating: 0, count: 32))
    }
  }
}
