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

  @Test("a manifest keeps its digests and sizes, and is the same each time")
  func manifest() throws {
    let digest = "sha256:" + String(repeating: "a", count: 64)
    let json = """
      {"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",
       "config":{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"\(digest)","size":2},
       "layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","digest":"\(digest)","size":2}]}
      """
    guard case .manifest(let manifest) = try ImageDocument.parse(Data(json.utf8), contentType: nil)
    else { return }
    let data = try #require(manifest.ociForm)
    #expect(manifest.ociForm == data)
    guard case .manifest(let twin) = try ImageDocument.parse(data, contentType: .ociManifest) else {
      Issue.record("no manifest")
      return
    }
    #expect(twin.config.mediaType == .ociConfig && twin.config.digest == manifest.config.digest)
    #expect(twin.layers.map(\.size) == [2])
    #expect(twin.ociForm == nil)
  }
}
