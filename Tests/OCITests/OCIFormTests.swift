import Foundation
import OCI
import Testing

@Suite("OCI form of Docker documents")
struct OCIFormTests {
  @Test(
    "media types",
    arguments: [
      (
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.oci.image.layer.v1.tar+gzip"
      ),
      ("application/vnd.docker.image.rootfs.diff.tar", "application/vnd.oci.image.layer.v1.tar"),
      (
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
        "application/vnd.oci.image.layer.v1.tar+zstd"
      ),
      (
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
      ),
      (
        "application/vnd.docker.container.image.v1+json", "application/vnd.oci.image.config.v1+json"
      ),
      ("application/x", "application/x"),
    ])
  func mediaTypes(docker: String, oci: String) {
    #expect(MediaType(rawValue: docker).ociForm.rawValue == oci)
  }

  static let digest = "sha256:" + String(repeating: "a", count: 64)

  func manifest(
    type: String? = MediaType.ociManifest.rawValue, config: String, layers: [String],
    more: String = ""
  ) throws -> (data: Data, manifest: Manifest) {
    let own = type.map { #""mediaType":"\#($0)","# } ?? ""
    let list = layers.map { #"{"mediaType":"\#($0)","digest":"\#(Self.digest)","size":2}"# }
    let json =
      #"{"schemaVersion":2,\#(own)"config":{"mediaType":"\#(config)","digest":"\#(Self.digest)","size":2},"#
      + #""layers":[\#(list.joined(separator: ","))]\#(more)}"#
    guard case .manifest(let manifest) = try ImageDocument.parse(Data(json.utf8), contentType: nil)
    else { throw OCIError.invalidDocument(reason: "no manifest") }
    return (Data(json.utf8), manifest)
  }

  func twin(_ data: Data?) throws -> Manifest {
    guard
      case .manifest(let manifest) = try ImageDocument.parse(
        try #require(data), contentType: .ociManifest)
    else { throw OCIError.invalidDocument(reason: "no manifest") }
    return manifest
  }

  @Test("a manifest keeps its digests, sizes and unknown members, and is the same each time")
  func manifest() throws {
    let (data, manifest) = try manifest(
      type: MediaType.dockerManifest.rawValue, config: MediaType.dockerConfig.rawValue,
      layers: ["application/vnd.docker.image.rootfs.diff.tar.gzip"],
      more: #","annotations":{"a":"b"},"subject":{"x":1e400}"#)
    let form = try #require(OCIForm.manifest(data, manifest, isImage: true) { _ in nil })
    #expect(OCIForm.manifest(data, manifest, isImage: true) { _ in nil } == form)
    let twin = try twin(form)
    #expect(twin.config.mediaType == .ociConfig && twin.config.digest == manifest.config.digest)
    #expect(twin.layers.map(\.size) == [2])
    #expect(OCIForm.manifest(form, twin, isImage: true) { _ in nil } == nil)
    let text = String(decoding: form, as: UTF8.self)
    #expect(text.contains(#""annotations":{"a":"b"},"subject":{"x":1e400}"#))
  }

  @Test(
    "an image's configuration gets its type, whatever stood there (moby#48361, buildah#4551)",
    arguments: [
      "application/octet-stream", "text/html", "application/json", "", "text/plain; charset=utf-8",
      "Application/VND.OCI.Image.Config.v1+JSON", "application/vnd.docker.container.image.v1+json",
      "application/vnd.oci.image.serialization.config.v1+json",
      "application/vnd.docker.container.image.rootfs.config+json",
      "application/vnd.docker.container.image.v1", "application/vnd.docker.container.image.v2+json",
      "application/vnd.oci.image.config.v1", "application/vnd.oci.image.config",
      "application/vnd.docker.container.image",
    ])
  func configurations(type: String) throws {
    let (data, manifest) = try manifest(
      config: type, layers: ["application/vnd.docker.image.rootfs.diff.tar.gzip"])
    let image = ImageConfig(json: Data(#"{"rootfs":{"type":"layers","diff_ids":[]}}"#.utf8))
    #expect(manifest.isImage(image))
    let twin = try twin(OCIForm.manifest(data, manifest, isImage: true) { _ in .gzip })
    #expect(twin.config.mediaType == .ociConfig)
    #expect(twin.layers[0].mediaType.rawValue == "application/vnd.oci.image.layer.v1.tar+gzip")
  }

  @Test(
    "artifacts are what they are",
    arguments: [
      ("application/vnd.cncf.helm.config.v1+json", #"{"name":"x","version":"1"}"#),
      ("application/vnd.oci.empty.v1+json", "{}"), ("application/json", "{}"),
      ("application/octet-stream", "no json"),
      ("application/vnd.oci.image.config.v1", "{}"),
      ("application/vnd.oci.image.config", "no json"),
      // A model's and a plugin's list layers as an image's do.
      (
        "application/vnd.docker.ai.model.config.v0.1+json",
        #"{"rootfs":{"type":"rootfs","diff_ids":[]}}"#
      ),
      ("application/vnd.docker.plugin.v1+json", #"{"rootfs":{"type":"layers","diff_ids":[]}}"#),
      ("application/vnd.wasm.config.v0+json", #"{"os":"wasip2","architecture":"wasm"}"#),
    ])
  func artifacts(type: String, content: String) throws {
    let (data, manifest) = try manifest(config: type, layers: ["application/spdx+json"])
    let isImage = manifest.isImage(ImageConfig(json: Data(content.utf8)))
    #expect(!isImage)
    #expect(OCIForm.manifest(data, manifest, isImage: isImage) { _ in .gzip } == nil)
  }

  @Test("a manifest that names its artifact's type is one, whatever its configuration")
  func namedArtifact() throws {
    let (_, manifest) = try manifest(
      config: MediaType.ociConfig.rawValue, layers: [],
      more: #","artifactType":"application/spdx+json""#)
    #expect(manifest.isImage == false)
  }

  @Test(
    "a layer's first bytes decide where its type says nothing",
    arguments: [
      (
        "application/octet-stream", LayerContent.gzip, "application/vnd.oci.image.layer.v1.tar+gzip"
      ),
      ("", .zstd, "application/vnd.oci.image.layer.v1.tar+zstd"),
      ("application/x-tar", .tar, "application/vnd.oci.image.layer.v1.tar"),
      ("application/octet-stream", nil, "application/octet-stream"),
      (
        "application/vnd.docker.image.rootfs.diff.tar.gzip", .zstd,
        "application/vnd.oci.image.layer.v1.tar+zstd"
      ),
      (
        "application/vnd.docker.image.rootfs.diff.tar.gzip", nil,
        "application/vnd.oci.image.layer.v1.tar+gzip"
      ),
      (
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", .gzip,
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
      ),
      (
        "application/vnd.docker.container.image.rootfs.diff+x-gtar", .gzip,
        "application/vnd.oci.image.layer.v1.tar+gzip"
      ),
      // OCI's own, where they say something else.
      (
        "application/vnd.oci.image.layer.v1.tar+gzip", .zstd,
        "application/vnd.oci.image.layer.v1.tar+zstd"
      ),
      (
        "application/vnd.oci.image.layer.v1.tar+gzip", .tar,
        "application/vnd.oci.image.layer.v1.tar"
      ),
      (
        "application/vnd.oci.image.layer.v1.tar", .gzip,
        "application/vnd.oci.image.layer.v1.tar+gzip"
      ),
      (
        "application/vnd.oci.image.layer.v1.tar+zstd", nil,
        "application/vnd.oci.image.layer.v1.tar+zstd"
      ),
      (
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", .zstd,
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"
      ),
      // Other vendors' are left alone.
      (
        "application/vnd.oci.image.layer.v1.tar+gzip+encrypted", .gzip,
        "application/vnd.oci.image.layer.v1.tar+gzip+encrypted"
      ),
      ("application/vnd.in-toto+json", .gzip, "application/vnd.in-toto+json"),
    ])
  func layers(type: String, content: LayerContent?, expected: String) throws {
    let (data, manifest) = try manifest(config: "", layers: [type])
    let twin = try twin(OCIForm.manifest(data, manifest, isImage: true) { _ in content })
    #expect(twin.layers[0].mediaType.rawValue == expected)
  }

  @Test("knows how a layer is packed by its first bytes")
  func contents() {
    var tar = [UInt8](repeating: 1, count: 512)
    tar.replaceSubrange(257..<262, with: Array("ustar".utf8))
    #expect(LayerContent(head: tar) == .tar)
    #expect(LayerContent(head: [UInt8](repeating: 0, count: 512)) == .tar)
    #expect(LayerContent(head: [0x1F, 0x8B, 8]) == .gzip)
    #expect(LayerContent(head: [0x28, 0xB5, 0x2F, 0xFD, 0]) == .zstd)
    for other in [[], [0], [0x1F], Array("{}".utf8)] as [[UInt8]] {
      #expect(LayerContent(head: other) == nil)
    }
  }

  @Test("what makes other readers refuse a document is not in its twin")
  func cleans() throws {
    let odd =
      #","annotations":{"a":"b","c":7},"config":{"mediaType":"\#(MediaType.ociConfig)","digest":"\#(Self.digest)","size":2.0,"urls":["u",7],"data":"***","platform":{"os":7},"artifactType":[],"annotations":[],"kept":{"x":null}}"#
    let json = #"{"schemaVersion":2.0\#(odd)}"#
    guard case .manifest(let manifest) = try ImageDocument.parse(Data(json.utf8), contentType: nil)
    else { return }
    let form = OCIForm.manifest(Data(json.utf8), manifest, isImage: true) { _ in nil }
    #expect(
      form.map { String(decoding: $0, as: UTF8.self) }
        == #"{"schemaVersion":2,"annotations":{"a":"b"},"config":{"mediaType":"\#(MediaType.ociConfig)","digest":"\#(Self.digest)","size":2,"urls":["u"],"kept":{"x":null}},"mediaType":"\#(MediaType.ociManifest)"}"#
    )
  }

  @Test("an index names twins, keeps what it does not know, and loses what nobody can read")
  func index() throws {
    let old = try Digest(Self.digest)
    let new = try Digest("sha256:" + String(repeating: "b", count: 64))
    let entry =
      #"{"mediaType":"","digest":"\#(old)","size":1,"platform":{"os":"windows","architecture":"amd64","os.features":["win32k"],"x":1}}"#
    let json = #"{"schemaVersion":2,"manifests":[\#(entry),{"size":[]}],"annotations":{"k":"v"}}"#
    var form = Descriptor(mediaType: .ociManifest, digest: new, size: 9)
    let twin = OCIForm.index(Data(json.utf8), [old: form])
    #expect(
      twin.map { String(decoding: $0, as: UTF8.self) }
        == #"{"schemaVersion":2,"manifests":[{"mediaType":"\#(MediaType.ociManifest)","digest":"\#(new)","size":9,"platform":{"os":"windows","architecture":"amd64","os.features":["win32k"],"x":1}}],"annotations":{"k":"v"},"mediaType":"\#(MediaType.ociIndex)"}"#
    )
    form.digest = old
    form.size = 1
    let good =
      #"{"schemaVersion":2,"manifests":[\#(entry.replacingOccurrences(of: #""mediaType":"""#, with: #""mediaType":"\#(MediaType.ociManifest)""#))]}"#
    #expect(OCIForm.index(Data(good.utf8), [old: form]) == nil)
  }

  @Test(
    "what was passed over is not in a twin, and reason enough for one",
    arguments: [
      #"{"mediaType":"application/vnd.example.v9","digest":"\#(digest)","size":5}"#,
      #"{"mediaType":5,"digest":"\#(digest)","size":5}"#, #"{"digest":7}"#, "7", "null",
      #"{"mediaType":"\#(MediaType.ociManifest)","digest":"\#(digest)","size":5}"#,
    ], [MediaType.ociIndex, .dockerList])
  func passedOver(odd: String, type: MediaType) throws {
    let other = "sha256:" + String(repeating: "b", count: 64)
    func text(_ type: MediaType, _ entries: String) -> String {
      #"{"schemaVersion":2,"mediaType":"\#(type)","manifests":[\#(entries)]}"#
    }
    let good = #"{"mediaType":"\#(MediaType.ociManifest)","digest":"\#(other)","size":9}"#
    let digest = try Digest(other)
    let forms = [digest: Descriptor(mediaType: .ociManifest, digest: digest, size: 9)]
    let twin = OCIForm.index(Data(text(type, odd + "," + good).utf8), forms)
    #expect(twin == Data(text(.ociIndex, good).utf8))
    #expect(OCIForm.index(try #require(twin), forms) == nil)
  }

  static let subject =
    #"{"mediaType":"\#(MediaType.ociManifest)","digest":"\#(digest)","size":7,"kept":[1]}"#

  @Test(
    "a subject of the wrong kind does not make others refuse the twin, and a good one is no reason for one",
    arguments: [
      ("5", nil), (#""x""#, nil), ("[]", nil), (#"{"digest":5,"size":1}"#, nil),
      (#"{"digest":"x","size":"7"}"#, nil), ("null", "null"), (subject, subject), ("{}", "{}"),
      (subject.replacing(":7,", with: ":7.0,"), subject),
      (
        subject.replacing("\"\(MediaType.ociManifest)\"", with: "5"),
        #"{"digest":"\#(digest)","size":7,"kept":[1]}"#
      ),
      (
        subject.replacing("[1]", with: #"[1],"platform":7,"urls":5,"data":1,"annotations":[]"#),
        subject
      ),
    ] as [(String, String?)])
  func subjects(found: String, expected: String?) throws {
    for rest in [
      #""config":{"mediaType":"\#(MediaType.ociConfig)","digest":"\#(Self.digest)","size":2}"#,
      #""manifests":[]"#,
    ] {
      let type = rest.contains("config") ? MediaType.ociManifest : .ociIndex
      func text(_ subject: String?) -> Data {
        let member = subject.map { #","subject":\#($0)"# } ?? ""
        return Data(#"{"schemaVersion":2,"mediaType":"\#(type)",\#(rest)\#(member)}"#.utf8)
      }
      let twin: Data?
      switch try ImageDocument.parse(text(found), contentType: nil) {
      case .manifest(let manifest):
        twin = OCIForm.manifest(text(found), manifest, isImage: true) { _ in nil }
      case .index: twin = OCIForm.index(text(found), [:])
      }
      #expect(twin == (found == expected ? nil : text(expected)))
    }
  }

  @Test(
    "a version in other words, and nulls that other readers count, are not in a twin",
    arguments: [
      (#""schemaVersion":"2","#, ""), ("", ""), (#""schemaVersion":null,"#, ""),
      (#""schemaVersion":2,"#, #","fsLayers":null"#), (#""schemaVersion":2,"#, #","history":[]"#),
      (#""schemaVersion":2,"#, #","manifests":null"#),
    ])
  func readableByAll(before: String, after: String) throws {
    let config =
      #""config":{"mediaType":"\#(MediaType.dockerConfig)","digest":"\#(Self.digest)","size":2}"#
    let text = #"{\#(before)"mediaType":"\#(MediaType.dockerManifest)",\#(config)\#(after)}"#
    guard
      case .manifest(let manifest) = try ImageDocument.parse(Data(text.utf8), contentType: nil)
    else { return }
    #expect(!OCIForm.isDockers(Data(text.utf8), manifest))
    let twin = try #require(OCIForm.manifest(Data(text.utf8), manifest, isImage: true) { _ in nil })
    let words = String(decoding: twin, as: UTF8.self)
    #expect(words.contains(#""schemaVersion":2"#))
    #expect(!["fsLayers", "history", "manifests"].contains { words.contains("\"\($0)\"") })
    let plain = #"{"schemaVersion":2,"mediaType":"\#(MediaType.dockerManifest)",\#(config)}"#
    #expect(OCIForm.isDockers(Data(plain.utf8), manifest))
  }

  @Test(
    "only Docker's own types of layers are known to all who read its manifests (stereoscope#486)",
    arguments: [
      ("docker.image.rootfs.diff.tar.gzip", true), ("docker.image.rootfs.diff.tar", true),
      ("docker.image.rootfs.foreign.diff.tar.gzip", true),
      ("docker.image.rootfs.diff.tar.zstd", false), ("docker.image.rootfs.diff.tar.gz", false),
      ("docker.container.image.rootfs.diff+x-gtar", false), ("oci.image.layer.v1.tar+gzip", false),
    ])
  func dockersLayers(type: String, isKnown: Bool) throws {
    let form = #","digest":"\#(Self.digest)","size":2}"#
    let text =
      #"{"schemaVersion":2,"mediaType":"\#(MediaType.dockerManifest)","config":{"mediaType":"#
      + "\""
      + MediaType.dockerConfig.rawValue + "\"" + form
      + #","layers":[{"mediaType":"application/vnd.\#(type)""# + form + "]}"
    guard
      case .manifest(let manifest) = try ImageDocument.parse(Data(text.utf8), contentType: nil)
    else { return }
    #expect(OCIForm.isDockers(Data(text.utf8), manifest) == isKnown)
  }
}
