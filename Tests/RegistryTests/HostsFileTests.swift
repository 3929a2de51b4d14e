import Foundation
import OCI
@testable import Registry
import Support
import Testing
import Transfer

@Suite("hosts.toml")
struct HostsFileTests {
  static let text = """
    server = "https://registry-1.docker.io"

    [host."https://z.example"]
      capabilities = ["pull", "resolve"]

    [host."http://a.example:5000/cache"]
      capabilities = ["pull"]

    [host."https://m.example/v2/hub"]
      override_path = true

    [host."https://secret.example"]
      ca = "/etc/x.pem"
    """

  func endpoints(_ text: String, _ reference: String = "ubuntu") throws -> [Endpoint] {
    let reference = try Reference(reference)
    return try HostsFile(text).endpoints(
      for: reference, own: Endpoint(of: reference, plainHTTP: false))
  }

  @Test(
    "mirrors are asked in the file's order, then the registry, which is not told whose image is meant"
  )
  func order() throws {
    let found = try endpoints(Self.text)
    let urls = try found.map { try $0.url("/x", over: $0.origin).description }
    #expect(
      urls == [
        "https://z.example/v2/x?ns=docker.io", "http://a.example:5000/cache/v2/x?ns=docker.io",
        "https://m.example/v2/hub/x?ns=docker.io", "https://registry-1.docker.io/v2/x",
      ])
    #expect(found.map(\.resolvesTags) == [true, false, true, true])
  }

  @Test("a mirror that needs what is not supported is left out, with a warning")
  func warns() throws {
    #expect(
      try HostsFile(Self.text).warnings == [
        "mirror https://secret.example is left out: ca is not supported"
      ])
    // Headers of a user's own would go to whoever the mirror redirects to.
    for option in ["header = {authorization = \"x\"}", "client = \"/c.pem\"", "skip_verify = true"]
    {
      let file = try HostsFile("[host.\"https://a\"]\n\(option)")
      #expect(file.warnings.count == 1, "\(option)")
    }
    #expect(try HostsFile("[host.\"https://a\"]\nskip_verify = false").warnings.isEmpty)
  }

  @Test("another server takes the registry's place")
  func otherServer() throws {
    let found = try endpoints("server = \"https://harbor.example/hub\"")
    #expect(
      try found.map { try $0.url("/x", over: $0.origin).description } == [
        "https://harbor.example/hub/v2/x?ns=docker.io"
      ])
  }

  @Test(
    "what is no TOML, or names no URL, is refused",
    arguments: [
      "server = ", "[host.\"ftp://x\"]", "server = \"https://u:p@x\"",
      // The library that was here before ended the process at these two.
      "[`ost]", "capabilities = [}full\"]",
    ])
  func refuses(text: String) {
    #expect(throws: HostsFile.Invalid.self) { try HostsFile(text) }
  }

  @Test(
    "files are found as containerd finds them",
    arguments: [
      ("docker.io", "docker.io"), ("localhost:5000", "localhost_5000_"),
      ("localhost:5000", "localhost:5000"),
      ("localhost:5000", "localhost"), ("ghcr.io", "_default"), ("[::1]", "[::1]"),
    ])
  func finds(registry: String, directory: String) throws {
    let folder = try TemporaryFolder()
    #expect(try HostsFile.find(in: folder.path, registry: registry) == nil)
    try FileManager.default.createDirectory(
      atPath: folder(directory), withIntermediateDirectories: true)
    try writeFile(folder(directory) + "/hosts.toml", Array(Self.text.utf8))
    #expect(try HostsFile.find(in: folder.path, registry: registry)?.hosts.count == 3)
  }
}
