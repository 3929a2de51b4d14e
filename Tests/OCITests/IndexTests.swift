import Foundation
import OCI
import Testing

@Suite("Index")
struct IndexTests {
  static let a = "sha256:" + String(repeating: "a", count: 64)
  static let b = "sha256:" + String(repeating: "b", count: 64)

  func index(_ entries: [String]) throws -> Index {
    let json = #"{"schemaVersion":2,"manifests":[\#(entries.joined(separator: ","))]}"#
    guard case .index(let index) = try ImageDocument.parse(Data(json.utf8), contentType: nil) else {
      throw OCIError.invalidDocument(reason: "no index")
    }
    return index
  }

  static let image = """
    {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"\(a)","size":7,
     "platform":{"os":"linux","architecture":"amd64"}}
    """

  static func entry(_ more: String) -> String {
    #"{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"\#(b)","size":7,\#(more)}"#
  }

  @Test(
    "an entry that nobody wants may be odd in any way",
    arguments: [
      "null", "7", "[]", "{}", #""text""#, #"{"digest":"\#(b)"}"#, #"{"size":7}"#,
      #"{"digest":"\#(b)","size":-1}"#, #"{"digest":"\#(b)","size":1.5}"#,
      #"{"digest":"\#(b)","size":1e400}"#, #"{"digest":"\#(b)","size":"7"}"#,
      #"{"digest":"\#(b)","size":99999999999999999999}"#, #"{"digest":"md5:aa","size":7}"#,
      #"{"digest":"sha256:../../x","size":7}"#, #"{"digest":null,"size":7}"#,
      entry(#""platform":{}"#), entry(#""platform":{"architecture":"amd64"}"#),
      entry(#""platform":{"os":"linux"}"#), entry(#""platform":{"os":"","architecture":"amd64"}"#),
      entry(#""platform":{"os":1,"architecture":[]}"#), entry(#""platform":"linux/amd64""#),
      entry(#""platform":{"os":"linux","architecture":"arm64","variant":8,"os.features":"x"}"#),
      entry(#""annotations":null"#), entry(#""annotations":{"a":null,"b":7}"#),
      entry(#""annotations":[]"#), entry(#""urls":null,"data":null"#),
      entry(#""urls":"x","data":7"#), entry(#""artifactType":{}"#),
      #"{"mediaType":"application/vnd.example.new.v9+json","digest":"\#(b)","size":7}"#,
      entry(#""unknown":{"deep":[1,{"x":null}]}"#),
    ])
  func toleratesOddEntries(entry: String) throws {
    for entries in [[entry, Self.image], [Self.image, entry], [entry, entry, Self.image]] {
      let index = try index(entries)
      #expect(index.entries.count == entries.count)
      let found = index.images(for: try Platform("linux/amd64"))
      #expect(found.first?.digest.description == Self.a)
      #expect(found.count == 1)
    }
  }

  @Test(
    "what needs features of the system that are not said to be there comes last, and is taken alone",
    arguments: [[0, 1], [1, 0], [0]])
  func features(order: [Int]) throws {
    let image = #""platform":{"os":"linux","architecture":"arm","variant":"#
    let entries = [
      Self.entry(image + #""v7","os.features":["erofs"]}"#),
      Self.entry(image + #""v6","os.features":[]}"#),
    ]
    let found = try index(order.map { entries[$0] }).images(for: try Platform("linux/arm/v7"))
    #expect(found.map { $0.platform?.variant } == (order.count == 2 ? ["v6", "v7"] : ["v7"]))
    var able = try Platform("linux/arm/v7")
    able.osFeatures = ["erofs", "more"]
    #expect(try index(order.map { entries[$0] }).images(for: able).first?.platform?.variant == "v7")
  }

  @Test(
    "artifacts, attestations and unknown types are no candidates for an image",
    arguments: [
      #""artifactType":"application/spdx+json","platform":{"os":"linux","architecture":"amd64"}"#,
      #""artifactType":"application/vnd.cncf.helm.config.v1+json""#,
      #""annotations":{"vnd.docker.reference.type":"attestation-manifest"}"#,
      #""platform":{"os":"unknown","architecture":"unknown"}"#,
    ])
  func leavesOutArtifacts(more: String) throws {
    let index = try index([Self.entry(more), Self.image])
    #expect(index.images.map(\.digest.description) == [Self.a])
    #expect(index.platforms.map(\.description) == ["linux/amd64"])
    #expect(index.artifactTypes.count == 1)
    #expect(index.undecided.isEmpty)
  }

  @Test(
    "an image's own type as its artifact's, or none, makes it no artifact",
    arguments: ["", MediaType.ociConfig.rawValue, MediaType.dockerConfig.rawValue])
  func imagesWithArtifactType(type: String) throws {
    let index = try index([Self.entry(#""artifactType":"\#(type)""#)])
    #expect(index.images.count == 1 && index.undecided.count == 1)
  }
}
