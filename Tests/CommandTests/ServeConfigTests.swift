import Testing

/// `cairn serve --print-config`.
struct ServeConfigTests {
  @Test("what a client's owner is to write is printed, for where it listens and what it serves")
  func prints() async throws {
    let cairn = try Command()
    let outcome = try await cairn(
      "serve", "--print-config", "podman", "--listen", "unix:/run/cairn", "--listen", "[::]:80",
      "--registry", "r.example:5000=private", "--plain-http", "r.example:5000")
    #expect(outcome.status == 0)
    #expect(
      outcome.output == """
        ==> /etc/containers/registries.conf.d/50-cairn.conf <==
        [[registry]]
        prefix = "r.example:5000"
        location = "r.example:5000"
        insecure = true

        [[registry.mirror]]
        location = "[::1]:80/r.example__5000"
        insecure = true

        # Also for buildah and skopeo. Without root: ~/.config/containers/registries.conf.d/50-cairn.conf.
        # Private images: podman login [::1]:80/r.example__5000

        """)
  }

  @Test("over TLS clients are told to ask by it, and whose certificate that is")
  func printsTLS() async throws {
    let cairn = try Command()
    let outcome = try await cairn(
      "serve", "--print-config", "containerd", "--listen", "0.0.0.0:443", "--registry", "r.example",
      "--tls-cert", "/etc/a.pem", "--tls-key", "/etc/a.key")
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("[host.\"https://127.0.0.1:443\"]"), "\(outcome.output)")
    #expect(outcome.output.contains("ca = \"/etc/a.pem\""))
  }

  @Test(
    "where no client could reach it, that is said",
    arguments: [
      (["--listen", "unix:/run/cairn"], "no client of these asks a socket"),
      (["--listen", "127.0.0.1:0"], "needs a port"),
    ])
  func refuses(_ options: [String], _ words: String) async throws {
    let cairn = try Command()
    let outcome = try await Command.finish(
      cairn.process(["serve", "--print-config", "k3s"] + options, environment: [:]))
    #expect(outcome.status == 64)
    #expect(outcome.errors.contains(words))
    #expect(outcome.output.isEmpty)
  }
}
