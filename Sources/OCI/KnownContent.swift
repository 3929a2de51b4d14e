package import FoundationEssentials

/// Small content that everybody knows by its digest.
///
/// Builders and artifacts name it again and again, and registries treat it in ways of their own: some
/// lack it, some send nothing for it. Nobody has to be asked for it.
enum KnownContent {
  /// What has a digest; nil: it is nothing that is known.
  static func bytes(of digest: Digest) -> Data? { all[digest.description].map { Data($0) } }

  /// - `{}`, the configuration and layer of artifacts that have none (OCI's empty descriptor);
  /// - an empty layer, which is 1,024 zeros as gzip: docker's, and BuildKit's, without a time.
  private static let all: [String: [UInt8]] = [
    "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a": emptyJSON,
    "sha512:27c74670adb75075fad058d5ceaf7b20c4e7786c83bae8a32f626f9782af34c9"
      + "a33c2046ef60fd2a7878d378e29fec851806bbd9a67878f3a9f1cda4830763fd": emptyJSON,
    "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4":
      emptyLayer(time: [0x00, 0x09, 0x6E, 0x88]),
    "sha256:4f4fb700ef54461cfa02571ae0db9a0dc1e0cdb5577484a6d75e68dc38e8acc1":
      emptyLayer(time: [0x00, 0x00, 0x00, 0x00]),
  ]

  private static let emptyJSON = Array("{}".utf8)

  private static func emptyLayer(time: [UInt8]) -> [UInt8] {
    [0x1F, 0x8B, 0x08, 0x00] + time + [
      0x00, 0xFF, 0x62, 0x18, 0x05, 0xA3, 0x60, 0x14, 0x8C, 0x58, 0x00, 0x08, 0x00, 0x00, 0xFF,
      0xFF, 0x2E, 0xAF, 0xB5, 0xEF, 0x00, 0x04, 0x00, 0x00,
    ]
  }
}

extension Descriptor {
  /// The content, known or carried here, for which nobody has to be asked.
  ///
  /// It counts only when it matches `digest`.
  package var contentAtHand: Data? { KnownContent.bytes(of: digest) ?? data }
}
