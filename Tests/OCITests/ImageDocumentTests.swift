import Foundation
import OCI
import Testing

/// An index with one manifest for each platform.
func indexDocument(platforms: [String]) throws -> Index {
  let entries = platforms.enumerated().map { number, text -> String in
    let parts = text.split(separator: "/")
    let variant = parts.count == 3 ? #","variant":"\#(parts[2])""# : ""
    let hash = String(repeating: "0", count: 62) + "\(10 + number)"
    return """
      {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:\(hash)","size":7,
       "platform":{"os":"\(parts[0])","architecture":"\(parts[1])"\(variant)}}
      """
  }
  let json = #"{"schemaVersion":2,"manifests":[\#(entries.joined(separator: ","))]}"#
  guard case .index(let index) = try ImageDocument.parse(Data(json.utf8), contentType: .ociIndex)
  else {
    throw OCIError.invalidDocument(reason: "no index")
  }
  return index
}

@Suite("ImageDocument")
struct ImageDocumentTests {
  static let a = "sha256:" + String(repeating: "a", count: 64)
  static let b = "sha256:" + String(repeating: "b", count: 64)
  static let config =
    #""config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"\#(a)","size":2}"#
  static let layer =
    #"{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"\#(b)","size":5}"#

  func parse(_ json: String, _ type: MediaType? = nil) throws -> ImageDocument {
    try ImageDocument.parse(Data(json.utf8), contentType: type)
  }

  @Test("reads a manifest, each blob once")
  func readsManifest() throws {
    let document = try parse(
      #"{"schemaVersion":2,\#(Self.config),"layers":[\#(Self.layer),\#(Self.layer)]}"#, .ociManifest
    )
    guard case .manifest(let manifest) = document else {
      Issue.record("no manifest")
      return
    }
    #expect(manifest.layers.count == 2)
    #expect(manifest.blobs.map(\.size) == [2, 5])
    #expect(manifest.totalSize == 7)
  }

  @Test("reads an artifact without layers")
  func readsArtifact() throws {
    let document = try parse(
      #"{"schemaVersion":2,"artifactType":"application/x","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"\#(Self.a)","size":2,"data":"e30="}}"#
    )
    guard case .manifest(let manifest) = document else {
      Issue.record("no manifest")
      return
    }
    #expect(manifest.layers.isEmpty)
    #expect(manifest.artifactType == "application/x")
    #expect(manifest.config.data == Data("{}".utf8))
  }

  @Test("takes the kind from the content where nothing names it")
  func infersKind() throws {
    #expect(try parse(#"{"schemaVersion":2,"manifests":[]}"#).mediaType == .ociIndex)
    #expect(try parse(#"{"schemaVersion":2,\#(Self.config)}"#).mediaType == .ociManifest)
    #expect(
      try parse(#"{"schemaVersion":2,\#(Self.config)}"#, .dockerManifest).mediaType
        == .dockerManifest)
    #expect(
      try parse(
        #"{"schemaVersion":2,\#(Self.config)}"#, MediaType(rawValue: "text/plain; charset=utf-8")
      )
      .mediaType == .ociManifest)
  }

  @Test("an error quotes the words of a document without escape codes, and not without end")
  func quotesHarmlessly() {
    let digest = "\\u001b[2J\\u009b31m" + String(repeating: "x", count: 100_000)
    let text = #"{"schemaVersion":2,"config":{"digest":"\#(digest)","size":1}}"#
    let error = #expect(throws: OCIError.self) {
      try ImageDocument.parse(Data(text.utf8), contentType: nil)
    }
    let words = error?.description ?? ""
    #expect(words.contains("invalid digest") && words.count < 300)
    #expect(words.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
  }

  @Test(
    "refuses ambiguous (CVE-2021-41190) and malformed documents",
    arguments: [
      ("", "not JSON"), ("[]", "wrong type"), ("{}", "schemaVersion"),
      (#"{"schemaVersion":3}"#, "not 2"),
      (#"{"schemaVersion":2}"#, "no config"),
      (#"{"schemaVersion":2,"manifests":[],"layers":[]}"#, #"both "manifests" and "layers""#),
      (
        #"{"schemaVersion":2,"manifests":[],"config":{"digest":"\#(a)","size":1}}"#,
        #"both "manifests" and "config""#
      ),
      (#"{"schemaVersion":2,"manifests":[],"fsLayers":[]}"#, #"both "manifests" and "fsLayers""#),
      (
        #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","manifests":[]}"#,
        #"it is called application/vnd.oci.image.manifest.v1+json, but has "manifests""#
      ),
      (
        #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json",\#(config)}"#,
        #"it is called application/vnd.oci.image.index.v1+json, but has "config""#
      ),
      (#"{"schemaVersion":2,"mediaType":"text/html",\#(config)}"#, "none of a manifest"),
      (#"{"schemaVersion":2,\#(config),"fsLayers":[]}"#, #"both "config" and "fsLayers""#),
      (#"{"schemaVersion":2,"config":{"digest":"sha256:../x","size":1}}"#, "invalid digest"),
      (#"{"schemaVersion":2,"config":{"digest":"\#(a)","size":-1}}"#, "negative"),
      (
        #"{"schemaVersion":2,"config":{"digest":"\#(a)","size":99999999999999999999}}"#,
        "does not fit"
      ),
      (#"{"schemaVersion":2,"config":{"size":7}}"#, "missing at config"),
      (#"{"schemaVersion":2,"config":{"digest":"\#(a)","size":"7"}}"#, "wrong type"),
      (#"{"schemaVersion":2,\#(config),"layers":[{"digest":"\#(a)","size":3}]}"#, "two sizes"),
      (
        #"{"schemaVersion":2,\#(config),"layers":[{"digest":"\#(b)","size":9223372036854775807}]}"#,
        "64 bits"
      ),
      (#"{"schemaVersion":2,"config":{"digest":"\#(a)","size":9223372036854775807}}"#, "64 bits"),
      (
        #"{"schemaVersion":2,\#(config),"layers":[{"digest":"\#(b)","size":\#(ImageDocument.sizeLimit - 1)}]}"#,
        "64 bits"
      ),
    ])
  func refuses(json: String, word: String) {
    do {
      _ = try ImageDocument.parse(Data(json.utf8), contentType: nil)
      Issue.record("\(json) was taken")
    } catch {
      #expect(error.description.contains(word), "\(error)")
    }
  }

  @Test("sizes that a manifest leaves out are learnt; those that it gives stay")
  func unsized() throws {
    let (a, b) = (Self.a, Self.b)
    let layers = #"{"digest":"\#(b)","size":null},{"digest":"\#(b)"},{"digest":"\#(a)","size":7}"#
    let json = #"{"schemaVersion":2,"config":{"digest":"\#(a)"},"layers":[\#(layers)]}"#
    let document = try ImageDocument.parse(Data(json.utf8), contentType: nil)
    guard case .manifest(let manifest) = document else {
      Issue.record("no manifest")
      return
    }
    #expect(manifest.unsized.map(\.digest.description) == [a, b])
    let (one, other) = (try Digest(a), try Digest(b))
    let half = manifest.sized([one: 7])
    #expect(half.unsized.map(\.digest) == [other])
    let whole = half.sized([one: 100, other: 5])
    #expect(whole.unsized.isEmpty)
    let learnt = [whole.config.size] + whole.layers.map(\.size)
    #expect(learnt == [7, 5, 5, 7])
    #expect(!whole.layers.contains { !$0.hasSize })
    #expect(manifest.sized([one: -1, other: .max]).config.size == 0)
  }

  static let manifestTypes = [MediaType.ociManifest, .dockerManifest]
  static let indexTypes = [MediaType.ociIndex, .dockerList]
  static let sayingNothing = [
    "", "text/plain; charset=utf-8", "Application/JSON", "application/octet-stream",
    "binary/octet-stream",
  ].map { MediaType(rawValue: $0) }

  /// As a `Content-Type` they say nothing either.
  static let ofOther: [MediaType?] = ["application/x-odd", "text/html"].map {
    MediaType(rawValue: $0)
  }

  func document(_ own: MediaType?, _ content: String) -> String {
    let type = own.map { #""mediaType":"\#($0)","# } ?? ""
    return #"{"schemaVersion":2,\#(type)\#(content)}"#
  }

  @Test("compares kinds, not flavours, and types that say nothing of a document say nothing")
  func comparesKinds() throws {
    for (types, content) in [
      (Self.manifestTypes, Self.config), (Self.indexTypes, #""manifests":[]"#),
    ] {
      for own in types + Self.sayingNothing + [nil] {
        for served in types + Self.sayingNothing + [nil] + Self.ofOther {
          let parsed = try parse(document(own, content), served)
          #expect(types.contains(parsed.mediaType), "\(own as Any) \(served as Any)")
        }
      }
    }
  }

  @Test("refuses a kind that contradicts the content or the Content-Type (CVE-2021-41190)")
  func refusesContradiction() {
    for (types, others, content) in [
      (Self.manifestTypes, Self.indexTypes, Self.config),
      (Self.indexTypes, Self.manifestTypes, #""manifests":[]"#),
    ] {
      for other in others {
        for type in types + [nil] {
          #expect(throws: OCIError.self) { try parse(document(type, content), other) }
          #expect(throws: OCIError.self) { try parse(document(other, content), type) }
        }
      }
    }
  }

  @Test("what a descriptor says beside its digest and size may be null, odd or unknown")
  func toleratesDescriptors() throws {
    let odd =
      #""urls":null,"annotations":null,"data":null,"platform":{},"artifactType":null,"x":{"y":[]}"#
    let layers = [
      #"{"digest":"\#(Self.b)","size":5.0,\#(odd)}"#,
      #"{"mediaType":null,"digest":"\#(Self.b)","size":5,"urls":[7,"http://ex.am/x"],"annotations":{"a":"b","c":null}}"#,
    ]
    let document = try parse(
      #"{"schemaVersion":2,\#(Self.config),"layers":[\#(layers.joined(separator: ","))],"annotations":7,"manifests":null}"#
    )
    guard case .manifest(let manifest) = document else {
      Issue.record("no manifest")
      return
    }
    #expect(manifest.layers.map(\.size) == [5, 5] && manifest.blobs.count == 2)
    #expect(manifest.layers[1].urls == ["http://ex.am/x"])
    #expect(manifest.layers[1].annotations == ["a": "b"])
    for empty in ["null", "[]"] {
      guard
        case .manifest(let none) = try parse(
          #"{"schemaVersion":2,\#(Self.config),"layers":\#(empty)}"#)
      else { continue }
      #expect(none.layers.isEmpty && none.totalSize == 2)
    }
  }

  @Test(
    "a version that says nothing is the one that the content has",
    arguments: ["", "null", "0", #""2""#, "2.0", #""""#, #""two""#, "[]", "{}", "true"])
  func versions(text: String) throws {
    let version = text.isEmpty ? "" : #""schemaVersion":\#(text),"#
    for type in [nil, MediaType.dockerManifest, .dockerSchema1] {
      #expect(try parse("{\(version)\(Self.config)}", type).mediaType.isManifest)
    }
    #expect(try parse(#"{\#(version)"manifests":[]}"#).mediaType == .ociIndex)
    let old = #expect(throws: OCIError.self) {
      try parse(#"{\#(version)"fsLayers":[{"blobSum":"x"}]}"#, .dockerSchema1)
    }
    #expect(old == .schema1 || text.contains("2"))
    for json in [#""layers":[]"#, #""mediaType":"\#(MediaType.ociManifest)""#] {
      #expect(throws: OCIError.self) { try parse("{\(version)\(json)}") }
    }
  }

  @Test(
    "another version is refused, whatever the content",
    arguments: ["3", "-2", "2.5", #""3""#, "1e300", "99999999999999999999"])
  func otherVersions(text: String) {
    for content in [Self.config, #""manifests":[]"#] {
      let error = #expect(throws: OCIError.self) {
        try parse(#"{"schemaVersion":\#(text),\#(content)}"#)
      }
      #expect(error?.description.contains("schemaVersion is not 2") == true)
    }
    #expect(throws: OCIError.schema1) { try parse(#"{"schemaVersion":"1",\#(Self.config)}"#) }
  }

  @Test("a null is no member of the other kind")
  func nulls() throws {
    let manifest = #"{"schemaVersion":2,\#(Self.config),"manifests":null,"fsLayers":null}"#
    #expect(try parse(manifest).mediaType == .ociManifest)
    let index = #"{"schemaVersion":2,"manifests":[],"config":null,"layers":null,"fsLayers":null}"#
    #expect(try parse(index).mediaType == .ociIndex)
  }

  @Test("names schema 1 for what it is")
  func namesSchema1() {
    #expect(throws: OCIError.schema1) {
      try parse(#"{"fsLayers":[{"blobSum":"x"}],"history":[]}"#)
    }
    #expect(throws: OCIError.schema1) {
      try parse(#"{"schemaVersion":1,"fsLayers":[{"blobSum":"x"}]}"#)
    }
    #expect(throws: OCIError.schema1) { try parse("not even JSON", .dockerSchema1Signed) }
  }

  @Test(
    "names artifact manifests of drafts for what they are",
    arguments: ["oci.artifact.manifest.v1", "cncf.oras.artifact.manifest.v1"])
  func namesDraftArtifacts(type: String) {
    let name = "application/vnd.\(type)+json"
    let body = #""artifactType":"x/y","blobs":[{"digest":"\#(Self.a)","size":2}]"#
    for (text, served) in [(#"{"mediaType":"\#(name)",\#(body)}"#, nil), (#"{\#(body)}"#, name)] {
      let error = #expect(throws: OCIError.self) {
        try parse(text, served.map { MediaType(rawValue: $0) })
      }
      #expect(error?.description.contains("draft") == true)
    }
  }

  @Test("ignores inline data that is no base64")
  func ignoresBadData() throws {
    let json = #"{"schemaVersion":2,"config":{"digest":"\#(Self.a)","size":2,"data":"***"}}"#
    guard case .manifest(let manifest) = try parse(json) else {
      Issue.record("no manifest")
      return
    }
    #expect(manifest.config.data == nil)
  }

  @Test("never crashes on damaged input")
  func survivesDamage() {
    let good = Array(#"{"schemaVersion":2,\#(Self.config),"layers":[\#(Self.layer)]}"#.utf8)
    var random = SystemRandomNumberGenerator()
    var refused = 0
    for _ in 0..<3_000 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
          in: 0...255, using: &random)
      }
      if (try? ImageDocument.parse(Data(bytes), contentType: nil)) == nil { refused += 1 }
    }
    #expect(refused > 0)
  }
}

@Suite("Text for people")
struct TextTests {
  @Test(
    "writes sizes",
    arguments: [
      (Int64(0), "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"),
      (100 << 20, "100 MiB"),
      (1_288_490_188, "1.2 GiB"), (Int64.max, "8192 PiB"),
    ])
  func writesSizes(bytes: Int64, expected: String) {
    #expect(ByteCount.text(bytes) == expected)
  }

  @Test(
    "reads sizes",
    arguments: [
      ("10M", Int64(10 << 20)), ("512k", 512 << 10), ("4096", 4096), ("1.5MiB", 3 << 19),
      ("20GB", 20 << 30),
      ("0", 0), ("7b", 7),
    ])
  func readsSizes(text: String, expected: Int64) {
    #expect(ByteCount.parse(text) == expected)
  }

  @Test(
    "refuses sizes that are none",
    arguments: ["", "M", "-1", "1.2.3", "10X", "1e9", "99999999999T", "10 M"])
  func refusesSizes(text: String) {
    #expect(ByteCount.parse(text) == nil)
  }

  @Test("takes escape codes out of what servers say")
  func takesEscapesOut() {
    #expect(
      "a\u{1B}[31mb\r\n\u{202E}c\u{7}".shownSafely(limit: 50)
        == "a\u{FFFD}[31mb\u{FFFD}\u{FFFD}\u{FFFD}c\u{FFFD}")
    #expect("abcdef".shownSafely(limit: 3) == "abc…")
  }

  @Test("what is of version 2 is taken, though it is called schema 1")
  func calledSchema1() throws {
    let digest = "sha256:" + String(repeating: "a", count: 64)
    let text = """
      {"schemaVersion":2,"mediaType":"\(MediaType.ociManifest)","config":{"mediaType":\
      "\(MediaType.ociConfig)","digest":"\(digest)","size":2},"layers":[]}
      """
    let document = try ImageDocument.parse(
      Data(text.utf8), contentType: .dockerSchema1Signed)
    #expect(document.mediaType == .ociManifest)
    #expect(throws: OCIError.schema1) {
      try ImageDocument.parse(Data(#"{"schemaVersion":1}"#.utf8), contentType: .ociManifest)
    }
    #expect(throws: OCIError.schema1) {
      try ImageDocument.parse(Data("x".utf8), contentType: .dockerSchema1)
    }
  }
}
