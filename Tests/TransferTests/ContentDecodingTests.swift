import Foundation
import Testing
@testable import Transfer

/// Bodies that a server or a proxy compressed unasked [harbor, GCS; RFC 9110, section 8.4].
@Suite("ContentDecoding", .timeLimit(.minutes(10)))
struct ContentDecodingTests {
  static let document = Array(#"{"a":1}"#.utf8)
  static let gzip: [UInt8] = [
    0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xAB, 0x56, 0x4A, 0x54, 0xB2, 0x32,
    0xAC, 0x05, 0x00, 0xAF, 0xAC, 0x1B, 0x56, 0x07, 0x00, 0x00, 0x00,
  ]
  static let zlib: [UInt8] = [
    0x78, 0x9C, 0xAB, 0x56, 0x4A, 0x54, 0xB2, 0x32, 0xAC, 0x05, 0x00, 0x08, 0x2A, 0x02, 0x09,
  ]
  static let raw: [UInt8] = [0xAB, 0x56, 0x4A, 0x54, 0xB2, 0x32, 0xAC, 0x05, 0x00]

  @Test(
    "every coding that was ever seen gives the document back",
    arguments: [
      (gzip, "gzip"), (gzip, "GZIP"), (gzip, "x-gzip"), (gzip, " gzip "), (gzip, "identity, gzip"),
      (gzip, "gzip,aws-chunked"), (zlib, "deflate"), (raw, "deflate"), (document, "identity"),
      (document, ""), (document, "aws-chunked"), (document, "none"),
      // A proxy decoded it and left the field.
      (document, "gzip"), (document, "deflate"), (document, "gzip, gzip"),
      (document, "br"), (document, "utf-8"), (document, "zstd, gzip"),
      // Something behind the end is no part of it.
      (gzip + [0, 0, 0], "gzip"),
    ])
  func decodes(body: [UInt8], encoding: String) throws {
    #expect(try ContentDecoding.decode(body, encoding: encoding, limit: 7) == Self.document)
  }

  @Test("members of one gzip body are one document; an empty body stays empty")
  func membersAndNothing() throws {
    let two = try ContentDecoding.decode(Self.gzip + Self.gzip, encoding: "gzip", limit: 14)
    #expect(two == Self.document + Self.document)
    for encoding in ["gzip", "deflate", ""] {
      #expect(try ContentDecoding.decode([], encoding: encoding, limit: 0).isEmpty)
    }
  }

  @Test(
    "what is damaged, cut, unknown, larger than its limit or wrapped without end is an error that a retry may mend",
    arguments: [
      (Array(gzip.dropLast()), "gzip", "end too early"), (Array(gzip.prefix(4)), "gzip", "early"),
      (gzip.prefix(12) + [0xFF] + gzip.dropFirst(13), "gzip", "damaged"),
      (Array(zlib.prefix(5)), "deflate", "damaged"),
      (raw + raw, "gzip, gzip, gzip, gzip", "4 times"),
      (raw, "br", "\"br\""), (zlib, "\u{1B}[31mzstd", "\"31mzstd\""),
      (gzip + gzip, "gzip", "larger than 7 bytes"), (document + [0x20], "", "larger than 7 bytes"),
      (Array(repeatElement(gzip, count: 300).joined()), "gzip", "larger than 7 bytes"),
    ] as [([UInt8], String, String)])
  func refuses(body: [UInt8], encoding: String, words: String) {
    let error = #expect(throws: TransferError.self) {
      try ContentDecoding.decode(body, encoding: encoding, limit: 7)
    }
    #expect(error?.kind == .badResponse && error?.isTransient == true)
    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
  }

  @Test(
    "every cut and every flipped byte of a body comes to bytes below the limit, or a bad response")
  func cutAndFlipped() {
    for body in [Self.gzip, Self.zlib, Self.raw] {
      for index in body.indices {
        var flipped = body
        flipped[index] ^= 0xFF
        for (bytes, encoding) in [
          (Array(body[..<index]), "gzip"), (Array(body[..<index]), "deflate"), (flipped, "gzip"),
          (flipped, "deflate"),
        ] {
          do {
            let content = try ContentDecoding.decode(bytes, encoding: encoding, limit: 100)
            #expect(content.count <= 100)
          } catch {
            #expect(error.kind == .badResponse, "\(error)")
          }
        }
      }
    }
  }

  @Test("no cut of a body is taken for the whole of it")
  func cut() {
    for (body, encoding) in [(Self.gzip, "gzip"), (Self.zlib, "deflate"), (Self.raw, "deflate")] {
      // What is too short to be known for gzip is left as it is.
      for count in body.indices.dropFirst(2) {
        #expect(throws: Inflater.damaged) {
          try ContentDecoding.decode(Array(body[..<count]), encoding: encoding, limit: 100)
        }
      }
    }
  }

  // MARK: As it comes

  /// What comes out of a body that is taken in pieces of so many bytes.
  private func streamed(_ body: [UInt8], _ coding: BodyCoding, by step: Int, limit: Int64) throws
    -> [UInt8]
  {
    let inflater = Inflater(coding, limit: limit)
    var out: [UInt8] = []
    for start in stride(from: 0, to: body.count, by: step) {
      let piece = Array(body[start..<min(start + step, body.count)])
      let error = piece.withUnsafeBytes { bytes -> TransferError? in
        do throws(TransferError) {
          try inflater.take(bytes) {
            out += $0
            return true
          }
          return nil
        } catch {
          return error
        }
      }
      if let error { throw error }
    }
    #expect(inflater.count == Int64(out.count))
    return out
  }

  @Test("a body gives the same content in whatever pieces it comes", arguments: [1, 2, 7, 1000])
  func pieces(step: Int) throws {
    for (body, coding, times) in [
      (Self.gzip, .gzip, 1), (Self.gzip + Self.gzip, .gzip, 2), (Self.zlib, .deflate, 1),
      (Self.raw, .deflate, 1), (Self.gzip + [0, 0, 0], .gzip, 1), ([], .gzip, 0),
      (Array(Self.gzip.dropLast(8)), .gzip, 1),
    ] as [([UInt8], BodyCoding, Int)] {
      let found = try streamed(body, coding, by: step, limit: 14)
      #expect(found == Array(repeatElement(Self.document, count: times).joined()))
    }
  }

  @Test(
    "what is damaged, or larger than its limit, is an error, in whatever pieces it comes",
    arguments: [1, 3, 1000])
  func damagedPieces(step: Int) {
    for (body, coding) in [
      (Self.document, .gzip), (Self.gzip + Self.gzip, .gzip), (Self.zlib + Self.zlib, .gzip),
      (Self.gzip.prefix(12) + [0xFF] + Self.gzip.dropFirst(13), .gzip),
      (Self.gzip + [0x1F, 0x8B, 0xFF, 0x00], .gzip),
    ] as [([UInt8], BodyCoding)] {
      let error = #expect(throws: TransferError.self) {
        _ = try streamed(body, coding, by: step, limit: 7)
      }
      #expect(error?.kind == .badResponse)
    }
  }

  @Test("a small body that would be a large one ends at its limit")
  func bomb() throws {
    // 20,000 zeros in 56 bytes, many times over.
    let packed = try #require(
      Data(
        base64Encoded:
          "H4sIAAAAAAACA+3BMQEAAADCoPVPbQ0PoAAAAAAAAAAAAAAAAAAAAAAAAAB4MAJTL5cgTgAA"))
    let bomb = Array(repeatElement(Array(packed), count: 1_000).joined())
    #expect(throws: TransferError.self) {
      _ = try streamed(bomb, .gzip, by: 4_096, limit: 1_000_000)
    }
    #expect(try streamed(bomb, .gzip, by: 4_096, limit: 20_000_000).count == 20_000_000)
  }

  @Test(
    "one coding that is known is undone as it comes",
    arguments: [
      ("gzip", .gzip), ("X-GZIP", .gzip), ("identity, gzip", .gzip), ("deflate", .deflate),
      ("gzip, aws-chunked", .gzip), ("", nil), ("identity", nil), ("br", nil), ("zstd", nil),
      ("gzip, gzip", nil), ("gzip, br", nil), ("br, gzip", nil),
    ] as [(String, BodyCoding?)])
  func codings(field: String, coding: BodyCoding?) { #expect(BodyCoding(field) == coding) }
}
