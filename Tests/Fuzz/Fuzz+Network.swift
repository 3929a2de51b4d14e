import Foundation
@testable import Transfer

/// What users and servers say of the way to a server.
extension Fuzz {
  /// The first byte chooses the coding.
  static func contentEncoding(_ bytes: [UInt8]) {
    let codings = ["gzip", "deflate", "gzip, deflate", "x-gzip, gzip, gzip", "br", ""]
    let coding = codings[Int(bytes.first ?? 0) % codings.count]
    let decoded = accepted {
      try ContentDecoding.decode(Array(bytes.dropFirst()), encoding: coding, limit: 1 << 16)
    }
    require(decoded?.count ?? 0 <= 1 << 16, "a document is larger than its limit")
  }

  /// The first line is a proxy's address, the second are exceptions, the third is a URL.
  static func proxy(_ bytes: [UInt8]) {
    let lines = bytes.split(separator: 10, maxSplits: 2, omittingEmptySubsequences: false)
      .map { text(Array($0)) }
    guard lines.count == 3, let url = try? RemoteURL(lines[2]) else { return }
    let rule = ProxyRule(plain: lines[0], secure: lines[0], exceptions: lines[1])
    guard let found = try? rule.proxy(for: url.origin) else { return }
    require(!url.origin.isLoopback, "this machine is reached through a proxy")
    require(!found.description.contains("@"), "credentials are shown")
    require(
      (try? Proxy(found.description))?.description == found.description,
      "a proxy does not read back")
    require(
      found.description.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "an address has odd characters")
    let secret = [found.login?.user, found.login?.password].compactMap { $0 }.joined()
    require(
      secret.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "a login has control characters")
  }

  static func certificates(_ bytes: [UInt8]) {
    for certificate in PEMCertificate.read(bytes).certificates {
      let again = PEMCertificate.read(certificate.text)
      require(
        again.certificates == [certificate] && again.damaged == 0,
        "a certificate does not read back")
    }
  }
}
