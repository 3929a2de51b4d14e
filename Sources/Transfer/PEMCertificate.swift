import FoundationEssentials
import Text

/// One certificate of a PEM file, as far as it must be known to hand it on: nothing of it is believed here.
struct PEMCertificate: Hashable, Sendable {
  /// `CERTIFICATE`, or OpenSSL's `TRUSTED CERTIFICATE`, which says more of what it is good for.
  let label: String
  /// Its bytes in base64, without any white space.
  let base64: [UInt8]

  /// What a file has of them.
  struct Reading: Equatable {
    /// In the file's order.
    var certificates: [PEMCertificate] = []
    /// How many stand there that are none: not base64, or cut off.
    ///
    /// One of them would make OpenSSL throw all away.
    var damaged = 0
  }

  private static let labels = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"]
  private static let begin = Array("-----BEGIN ".utf8)
  private static let end = Array("-----END ".utf8)
  private static let dashes = Array("-----".utf8)
  /// Characters of a line of base64.
  private static let lineLength = 64

  /// Reads the certificates of a file; all else in it (keys, comments) is passed over.
  ///
  /// - Parameter file: its bytes, with line ends of any system.
  static func read(_ file: some Collection<UInt8>) -> Reading {
    var reading = Reading()
    var label: String?
    var base64: [UInt8] = []
    for line in file.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
      if let name = mark(line, begin) {
        // The one before had no end.
        if label != nil { reading.damaged += 1 }
        label = labels.contains(name) ? name : nil
        base64 = []
      } else if let begun = label {
        if mark(line, end) == begun {
          let found = PEMCertificate(
            label: begun == "TRUSTED CERTIFICATE" ? begun : "CERTIFICATE", base64: base64)
          if found.isPlausible { reading.certificates.append(found) } else { reading.damaged += 1 }
          label = nil
        } else {
          for byte in line where byte != 0x20 && byte != 0x09 { base64.append(byte) }
        }
      }
    }
    if label != nil { reading.damaged += 1 }
    return reading
  }

  /// The file's form of it.
  var text: [UInt8] {
    var text = Self.begin + Array(label.utf8) + Self.dashes + [0x0A]
    var rest = base64[...]
    while !rest.isEmpty {
      text += rest.prefix(Self.lineLength)
      text.append(0x0A)
      rest = rest.dropFirst(Self.lineLength)
    }
    return text + Self.end + Array(label.utf8) + Self.dashes + [0x0A]
  }

  /// Of all bytes at once, where the compiler's would take one after the other.
  func hash(into hasher: inout Hasher) {
    base64.withUnsafeBytes { hasher.combine(bytes: $0) }
  }

  /// The label of a line that begins or ends something.
  private static func mark(_ line: some Collection<UInt8>, _ start: [UInt8]) -> String? {
    // Nearly all lines are of base64.
    guard line.first == 0x2D || line.first == 0xEF else { return nil }
    // A mark of byte order may stand before the first one.
    let line = line.withoutByteOrderMark
    guard line.starts(with: start) else { return nil }
    let rest = String(decoding: line.dropFirst(start.count), as: UTF8.self)
    guard let close = rest.firstRange(of: "-----") else { return nil }
    return String(rest[..<close.lowerBound])
  }

  /// Whether the bytes have the outer form of a certificate: three things, the first a sequence, in
  /// one sequence that ends where it says.
  private var isPlausible: Bool {
    guard let bytes = Data(base64Encoded: Data(base64)) else { return false }
    var outer = DER(bytes)
    // What OpenSSL says beside it stands behind it.
    guard var parts = outer.take(0x30), label == "TRUSTED CERTIFICATE" || outer.isEmpty else {
      return false
    }
    guard let body = parts.take(0x30), !body.isEmpty else { return false }
    return parts.take(0x30) != nil && parts.take(0x03) != nil && parts.isEmpty
  }
}

/// Bytes in the encoding of certificates, read from the front.
private struct DER {
  private var rest: Data

  init(_ bytes: Data) { rest = bytes }

  var isEmpty: Bool { rest.isEmpty }

  /// Takes the next thing if it has a tag; nil where it has another or does not fit.
  mutating func take(_ tag: UInt8) -> DER? {
    guard rest.popFirst() == tag, let first = rest.popFirst() else { return nil }
    var length = Int(first)
    if first >= 0x80 {
      let count = Int(first & 0x7F)
      guard (1...4).contains(count), rest.count >= count else { return nil }
      length = rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
      rest = rest.dropFirst(count)
    }
    guard rest.count >= length else { return nil }
    defer { rest = rest.dropFirst(length) }
    return DER(rest.prefix(length))
  }
}
