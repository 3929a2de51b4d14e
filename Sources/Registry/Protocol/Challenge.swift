/// One challenge of a `WWW-Authenticate` field (RFC 9110, 11.6.1).
public struct Challenge: Sendable, Equatable {
  /// The scheme in lower case: `bearer`, `basic`.
  public var scheme: String
  /// Parameters, names in lower case.
  public var parameters: [String: String]

  /// The most parameters that are read of one challenge.
  private static let parameterLimit = 32

  /// Reads every challenge of a field; what cannot be read ends the reading.
  ///
  /// - Parameter field: for example `Bearer realm="https://auth.example/token",service="r"`.
  public static func parse(_ field: String) -> [Challenge] {
    var scanner = Scanner(Array(field.utf8.prefix(8192)))
    var challenges: [Challenge] = []
    while let scheme = scanner.token() {
      var challenge = Challenge(scheme: scheme.lowercased(), parameters: [:])
      while challenge.parameters.count < parameterLimit {
        let mark = scanner.position
        guard let name = scanner.token(), scanner.skip(UInt8(ascii: "=")) else {
          // A word without "=" is the next challenge's scheme.
          scanner.position = mark
          break
        }
        guard let value = scanner.value() else { return challenges + [challenge] }
        challenge.parameters[name.lowercased()] = value
        _ = scanner.skip(UInt8(ascii: ","))
      }
      challenges.append(challenge)
    }
    return challenges
  }

  /// Reads tokens and quoted strings of a header field.
  private struct Scanner {
    let bytes: [UInt8]
    var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func skipSpace() {
      while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 {
        position += 1
      }
    }

    mutating func skip(_ byte: UInt8) -> Bool {
      skipSpace()
      guard position < bytes.count, bytes[position] == byte else { return false }
      position += 1
      return true
    }

    mutating func token() -> String? {
      while skip(UInt8(ascii: ",")) {}
      skipSpace()
      let start = position
      while position < bytes.count, Self.isTokenByte(bytes[position]) { position += 1 }
      return start == position ? nil : String(decoding: bytes[start..<position], as: UTF8.self)
    }

    mutating func value() -> String? {
      skipSpace()
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { return token() }
      position += 1
      var text: [UInt8] = []
      while position < bytes.count {
        let byte = bytes[position]
        position += 1
        if byte == UInt8(ascii: "\"") { return String(decoding: text, as: UTF8.self) }
        if byte == UInt8(ascii: "\\"), position < bytes.count {
          text.append(bytes[position])
          position += 1
        } else {
          text.append(byte)
        }
      }
      return nil
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
      }
    }
  }
}
