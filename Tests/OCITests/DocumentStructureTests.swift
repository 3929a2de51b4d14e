import Foundation
import OCI
import Testing

/// One digest must not be two images, whoever reads it.
@Suite("The structure of documents")
struct DocumentStructureTests {
  static let a = "sha256:" + String(repeating: "a", count: 64)
  static let b = "sha256:" + String(repeating: "b", count: 64)

  static func descriptor(_ more: String = "") -> String {
    #"{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"\#(a)","size":2\#(more)}"#
  }

  static func manifest(
    config: String = descriptor(), layer: String = descriptor(), _ more: String = ""
  ) -> String {
    #"{"schemaVersion":2,"config":\#(config),"layers":[\#(descriptor()),\#(layer)]\#(more)}"#
  }

  static func index(_ entry: String, _ more: String = "") -> String {
    #"{"schemaVersion":2,"manifests":[\#(descriptor()),\#(entry)]\#(more)}"#
  }

  static var refused: [(json: String, names: String)] {
    let platform = #""os":"linux","architecture":"amd64""#
    return [
      (manifest(#","layers":[]"#), #""layers" twice"#),
      (manifest(#","config":\#(descriptor())"#), #""config" twice"#),
      (manifest(#","schemaVersion":2"#), #""schemaVersion" twice"#),
      (manifest(#","l\u0061yers":[]"#), #""layers" twice"#),
      (manifest(#","unknown":1,"unknown":1"#), #""unknown" twice"#),
      (manifest(#","Layers":[]"#), #""Layers", which some readers take for "layers""#),
      (manifest(#","layerſ":[]"#), #"take for "layers""#),
      (manifest(#","layer\u017f":[]"#), #"take for "layers""#),
      (manifest(#","Manifests":null"#), #"take for "manifests""#),
      (manifest(#","FSLAYERS":null"#), #"take for "fsLayers""#),
      (manifest(#","artifacttype":"x""#), #"take for "artifactType""#),
      (manifest(#","MediaType":"x""#), #"take for "mediaType""#),
      (manifest(#","ſubject":{}"#), #"take for "subject""#),
      (manifest(#","subject":\#(descriptor(#","Digest":"\#(b)""#))"#), #""subject.Digest""#),
      (manifest(config: descriptor(#","digest":"\#(b)""#)), #""config.digest" twice"#),
      (manifest(config: descriptor(#","SIZE":3"#)), #""config.SIZE""#),
      (manifest(layer: descriptor(#","digeſt":"\#(b)""#)), #""layers[1].digeſt""#),
      (manifest(layer: descriptor(#","URLs":[]"#)), #""layers[1].URLs""#),
      (manifest(layer: descriptor(#","Annotations":{}"#)), #""layers[1].Annotations""#),
      (manifest(layer: #"{"Digest":"\#(b)","digest":"\#(a)","size":2}"#), "layers[1].Digest"),
      (index("{}", #","Config":\#(descriptor())"#), #"take for "config""#),
      (index("{}", #","manifests":[]"#), #""manifests" twice"#),
      (index("{}", #","maniFests":[]"#), #"take for "manifests""#),
      (index(descriptor(#","size":3"#)), #""manifests[1].size" twice"#),
      (index(descriptor(#","Platform":{}"#)), #""manifests[1].Platform""#),
      (index(descriptor(#","platform":{\#(platform),"OS":"x"}"#)), "manifests[1].platform.OS"),
      (
        index(descriptor(#","platform":{\#(platform),"os":"x"}"#)),
        #""manifests[1].platform.os" twice"#
      ),
      (index(descriptor(#","platform":{\#(platform),"os.Version":"x"}"#)), "os.Version"),
      (index(descriptor(#","platform":{\#(platform),"oſ":"x"}"#)), #"take for "os""#),
    ]
  }

  @Test(
    "a member that is there twice, or in other letters, is refused by its name",
    arguments: refused.indices)
  func refuses(number: Int) {
    let (json, names) = Self.refused[number]
    let error = #expect(throws: OCIError.self) {
      try ImageDocument.parse(Data(json.utf8), contentType: nil)
    }
    #expect(error?.description.contains(names) == true, "\(json): \(error as Any)")
  }

  @Test(
    "what is the author's own may have any names, also twice",
    arguments: [
      manifest(#","annotations":{"a":"1","A":"2","a":"3","layers":"4"}"#),
      manifest(config: descriptor(#","annotations":{"digest":"x","Digest":"y"}"#)),
      manifest(#","unknown":{"layers":1,"Layers":2,"layers":3}"#),
      // Not known in any case, and no letters of another name.
      manifest(#","Unknown":1,"unknown":2,"layer":3,"lay\u00e9rs":4"#),
      index(#"[]"#, #","annotations":null"#), index("7"), index("null"),
      index(descriptor(#","platform":[1]"#)), index(descriptor(#","unknown":{"a":1,"a":2}"#)),
    ])
  func takes(json: String) {
    #expect(throws: Never.self) {
      try ImageDocument.parse(Data(json.utf8), contentType: nil)
    }
  }

  @Test(
    "only UTF-8 without a byte order mark is JSON",
    arguments: [
      String.Encoding.utf16, .utf16LittleEndian, .utf16BigEndian, .utf32, .utf32LittleEndian,
      .utf32BigEndian,
    ])
  func encodings(encoding: String.Encoding) throws {
    for text in [Self.manifest(), Self.index("{}"), "\u{FEFF}" + Self.manifest()] {
      let error = #expect(throws: OCIError.self) {
        try ImageDocument.parse(#require(text.data(using: encoding)), contentType: .ociManifest)
      }
      #expect(error?.description.contains("UTF-8") == true, "\(error as Any)")
    }
    let error = #expect(throws: OCIError.self) {
      try ImageDocument.parse(Data("\u{FEFF}\(Self.manifest())".utf8), contentType: nil)
    }
    #expect(error?.description.contains("UTF-8") == true)
  }
}
