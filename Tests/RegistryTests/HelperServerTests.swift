import Foundation
import Support
import Testing

@testable import Registry

/// By which names credential helpers are asked for a registry's login.
@Suite("Names that credential helpers know", .timeLimit(.minutes(10)))
struct HelperServerTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A chain with a helper that has a login for one name alone, and notes what it is asked for.
  private func chain(knowing known: String, otherwise: String, warn: Log<String> = Log())
    throws -> CredentialChain
  {
    let path = folder("docker-credential-one")
    let script = """
      #!/bin/sh
      read -r server
      echo "$server" >> '\(folder("asked"))'
      if [ "$server" = '\(known)' ]; then echo '{"Username":"u","Secret":"p"}'; exit 0; fi
      \(otherwise)
      exit 1

      """
    try writeFile(path, Array(script.utf8))
    #expect(chmod(path, 0o755) == 0)
    try writeFile(folder("config.json"), Array(#"{"credsStore":"one"}"#.utf8))
    var chain = CredentialChain(
      files: [CredentialFile(named: folder("config.json"))], warn: { warn.add($0) })
    chain.helperPath = folder.path
    return chain
  }

  private var asked: [String] {
    let bytes = (try? readFile(folder("asked"))) ?? []
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  private static let hub = [
    "https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io",
  ]

  @Test(
    "are all tried in their order until one has a login, however a helper says that it has none",
    arguments: [
      ("docker.io", hub[0], Array(hub[...0])), ("docker.io", hub[1], Array(hub[...1])),
      ("docker.io", hub[3], hub), ("ghcr.io", "ghcr.io", ["ghcr.io"]),
      ("ghcr.io", "https://ghcr.io", ["ghcr.io", "https://ghcr.io"]),
    ], ["echo 'credentials not found in native keychain'", "echo 'no such server' >&2"])
  func spellings(_ row: (registry: String, known: String, asked: [String]), otherwise: String)
    async throws
  {
    let said = Log<String>()
    let chain = try chain(knowing: row.known, otherwise: otherwise, warn: said)
    let found = await chain.credential(registry: row.registry, repository: "o/n")
    #expect(found == .basic(user: "u", password: "p"))
    #expect(asked == row.asked)
    #expect(said.all.isEmpty)
    #expect(chain.emptyHelpers(registry: row.registry).isEmpty)
  }

  @Test("are asked about once in a run, and a helper that has none is remembered")
  func nothing() async throws {
    var chain = try chain(knowing: "x", otherwise: "echo 'credentials not found'")
    chain.helpers = HelperAnswers()
    for repository in ["o/n", "o/m"] {
      #expect(await chain.credential(registry: "docker.io", repository: repository) == nil)
    }
    #expect(asked == Self.hub)
    #expect(chain.emptyHelpers(registry: "docker.io") == ["one"])
  }
}
