/// A content digest, `algorithm:hex`, that was checked when it was parsed.
///
/// Digests name files in the store and parts of URLs, so nothing that is not exactly an algorithm
/// this project can verify and its lower-case hex ever becomes a value of this type
/// (CVE-2024-3727 came from digests used as paths unchecked).
package struct Digest: Hashable, Sendable, Codable, CustomStringConvertible {
  /// The hash functions that the OCI image specification registers and Cairn can verify.
  package enum Algorithm: String, Sendable, CaseIterable {
    case sha256
    case sha512

    /// Length of the hexadecimal part, in characters.
    package var hexLength: Int {
      switch self {
      case .sha256: 64
      case .sha512: 128
      }
    }
  }

  /// The hash function.
  package let algorithm: Algorithm
  /// The hash in lower-case hexadecimal.
  package let hex: String

  /// Parses `algorithm:hex`.
  ///
  /// - Parameter text: for example `sha256:e3b0…`; upper-case hex is refused, as in the OCI grammar.
  /// - Throws: `OCIError.invalidDigest` for anything but a registered algorithm and its exact hex.
  package init(_ text: String) throws(OCIError) {
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
      let algorithm = Algorithm(rawValue: String(text[..<colon]))
    else { throw .invalidDigest(text, reason: "it does not begin with sha256: or sha512:") }
    let hex = text[text.utf8.index(after: colon)...]
    guard hex.utf8.count == algorithm.hexLength else {
      throw .invalidDigest(
        text, reason: "\(algorithm.rawValue) takes \(algorithm.hexLength) hexadecimal digits")
    }
    guard hex.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else {
      throw .invalidDigest(text, reason: "only the digits 0-9 and a-f may follow the colon")
    }
    self.algorithm = algorithm
    self.hex = String(hex)
  }

  /// Makes a digest from the bytes of a finished hash.
  ///
  /// - Parameters:
  ///   - algorithm: the hash function that made them.
  ///   - bytes: the raw hash; its length must be the algorithm's.
  /// - Throws: `OCIError.invalidDigest` when the length is another.
  package init(algorithm: Algorithm, bytes: some Collection<UInt8>) throws(OCIError) {
    var hex = [UInt8]()
    hex.reserveCapacity(bytes.count * 2)
    let digits = Array("0123456789abcdef".utf8)
    for byte in bytes {
      hex.append(digits[Int(byte >> 4)])
      hex.append(digits[Int(byte & 15)])
    }
    try self.init("\(algorithm.rawValue):\(String(decoding: hex, as: UTF8.self))")
  }

  /// `algorithm:hex`.
  package var description: String { "\(algorithm.rawValue):\(hex)" }

  /// The first twelve hexadecimal digits, for people.
  package var short: String { String(hex.prefix(12)) }

  /// Decodes a digest from its string form.
  package init(from decoder: any Decoder) throws {
    try self.init(decoder.singleValueContainer().decode(String.self))
  }

  /// Encodes the digest as its string form.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
