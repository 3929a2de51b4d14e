/// How a layer's file is packed, by its first bytes.
package enum LayerContent: Sendable, Equatable {
  case tar
  case gzip
  case zstd

  /// Bytes at the start of a file that tell the kinds apart.
  package static let headLength = 512

  /// Looks at a file.
  ///
  /// - Parameter head: its first `headLength` bytes, or all of a shorter one.
  /// - Returns: nil for what is none of them.
  package init?(head: [UInt8]) {
    if head.starts(with: [0x1F, 0x8B]) {
      self = .gzip
    } else if head.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
      self = .zstd
    } else if head.dropFirst(257).starts(with: Array("ustar".utf8))
      || head.count >= Self.headLength && head.allSatisfy({ $0 == 0 })
    {
      // An archive of nothing is blocks of zeros.
      self = .tar
    } else {
      return nil
    }
  }

  /// What a media type's name ends with for this.
  var suffix: String {
    switch self {
    case .tar: ""
    case .gzip: "+gzip"
    case .zstd: "+zstd"
    }
  }
}
