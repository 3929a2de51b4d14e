import Testing

@testable import Serve

struct ClientConfigTests {
  static let endpoint = ClientEndpoint(host: "127.0.0.1", port: 5151)
  static let secured = ClientEndpoint(host: "::", port: 443, certificate: "/etc/a \"b\".pem")
  static let named = [
    ClientRegistry("docker.io"), ClientRegistry("r.example:5000", isPrivate: true, isPlain: true),
  ]

  static let exact: [(ServeClient, String)] = [
    (
      .containerd,
      """
      ==> /etc/containerd/certs.d/docker.io/hosts.toml <==
      server = "https://registry-1.docker.io"

      [host."http://127.0.0.1:5151"]
        capabilities = ["pull", "resolve"]

      ==> /etc/containerd/certs.d/r.example:5000/hosts.toml <==
      server = "http://r.example:5000"

      [host."http://127.0.0.1:5151"]
        capabilities = ["pull", "resolve"]

      ==> /etc/containerd/config.toml <==
      version = 2

      [plugins."io.containerd.grpc.v1.cri".registry]
        config_path = "/etc/containerd/certs.d"

      # config.toml is for Kubernetes only, and wants a restart of containerd once; containerd 2 has this path by default.
      # ctr: ctr images pull --hosts-dir /etc/containerd/certs.d IMAGE. nerdctl reads the folder by itself.
      # Private images: pull secrets and --user work as before.

      """
    ),
    (
      .podman,
      """
      ==> /etc/containers/registries.conf.d/50-cairn.conf <==
      [[registry]]
      prefix = "docker.io"
      location = "docker.io"

      [[registry.mirror]]
      location = "127.0.0.1:5151/docker.io"
      insecure = true

      [[registry]]
      prefix = "r.example:5000"
      location = "r.example:5000"
      insecure = true

      [[registry.mirror]]
      location = "127.0.0.1:5151/r.example__5000"
      insecure = true

      # Also for buildah and skopeo. Without root: ~/.config/containers/registries.conf.d/50-cairn.conf.
      # Private images: podman login 127.0.0.1:5151/r.example__5000

      """
    ),
    (
      .docker,
      """
      ==> /etc/docker/certs.d/docker.io/hosts.toml <==
      server = "https://registry-1.docker.io"

      [host."http://127.0.0.1:5151"]
        capabilities = ["pull", "resolve"]

      ==> /etc/docker/certs.d/r.example:5000/hosts.toml <==
      server = "http://r.example:5000"

      [host."http://127.0.0.1:5151"]
        capabilities = ["pull", "resolve"]

      ==> /etc/docker/daemon.json <==
      {
        "registry-mirrors": ["http://127.0.0.1:5151"]
      }

      # hosts.toml is for docker 29 and later with the containerd image store (docker info: driver-type io.containerd.snapshotter.v1).
      # daemon.json is for the older store, Docker Hub only: keep what else it holds, then systemctl reload docker.
      # docker gives no mirror its credentials: it pulls private images past the endpoint.

      """
    ),
    (
      .buildkit,
      """
      ==> /etc/buildkit/buildkitd.toml <==
      [registry."docker.io"]
        mirrors = ["127.0.0.1:5151"]

      [registry."r.example:5000"]
        mirrors = ["127.0.0.1:5151"]
        http = true

      [registry."127.0.0.1:5151"]
        http = true

      # buildctl's daemon: restart buildkitd.
      # buildx: docker buildx create --use --buildkitd-config /etc/buildkit/buildkitd.toml --driver-opt network=host

      """
    ),
    (
      .k3s,
      """
      ==> /etc/rancher/k3s/registries.yaml <==
      mirrors:
        "docker.io":
          endpoint:
            - "http://127.0.0.1:5151"
        "r.example:5000":
          endpoint:
            - "http://127.0.0.1:5151"

      # On each node; then: systemctl restart k3s (k3s-agent on agents).
      # Private images: with the pull secrets of Kubernetes, as before.

      """
    ),
  ]

  @Test("a client's configuration for two registries is exactly this", arguments: exact)
  func isExact(_ client: ServeClient, _ text: String) {
    #expect(ClientConfig(for: client, at: Self.endpoint, registries: Self.named).text == text)
  }

  @Test("with TLS, and for every registry, the files say so in each client's own way")
  func isExactForAll() {
    func files(_ client: ServeClient) -> [String] {
      ClientConfig(for: client, at: Self.secured).files.map(\.text)
    }
    let host = """
      [host."https://[::1]:443"]
        capabilities = ["pull", "resolve"]
        ca = "/etc/a \\"b\\".pem"

      """
    #expect(files(.containerd).first == host)
    #expect(files(.docker).first == host)
    #expect(
      files(.k3s) == [
        """
        mirrors:
          "*":
            endpoint:
              - "https://[::1]:443"
        configs:
          "[::1]:443":
            tls:
              ca_file: "/etc/a \\"b\\".pem"

        """
      ])
    #expect(files(.crio) == files(.podman))
    #expect(files(.podman).first?.contains("insecure") == false)
    #expect(files(.buildkit).first?.hasSuffix("  ca = [\"/etc/a \\\"b\\\".pem\"]\n") == true)
    #expect(files(.kind).first == host)
  }

  @Test(
    "an address that stands for all of this machine's is reached by loopback",
    arguments: [
      ("0.0.0.0", "127.0.0.1:5151"), ("", "127.0.0.1:5151"), ("::", "[::1]:5151"),
      ("::1", "[::1]:5151"), ("10.0.0.7", "10.0.0.7:5151"), ("node-1", "node-1:5151"),
      ("localhost", "localhost:5151"),
    ])
  func reached(_ host: String, _ authority: String) {
    #expect(ClientEndpoint(host: host, port: 5151).authority == authority)
  }

  @Test(
    "what podman is told of a registry is what the endpoint reads as that registry",
    arguments: [
      "docker.io", "ghcr.io", "r.example:5000", "127.0.0.1:5000", "localhost:80",
    ])
  func isReadBack(_ name: String) throws {
    let component = ClientRegistry(name).component
    guard case .manifest(let upstream, _) = ServeTarget("/v2/\(component)/a/b/manifests/x") else {
      Issue.record("\(component) is no registry's")
      return
    }
    #expect(upstream.reference.registry == name)
  }

  @Test(
    "only a node of its own is told to look for the endpoint elsewhere",
    arguments: [
      ("127.0.0.1", true), ("::1", true), ("localhost", true), ("172.18.0.1", false),
      ("node-1", false),
    ])
  func tellsOfLoopback(_ host: String, _ isLoopback: Bool) {
    let endpoint = ClientEndpoint(host: host, port: 5151)
    let kind = ClientConfig(for: .kind, at: endpoint).text
    #expect(kind.contains("has a loopback of its own") == isLoopback)
    let buildkit = ClientConfig(for: .buildkit, at: endpoint).text
    #expect(buildkit.contains("network=host") == isLoopback)
  }

  @Test(
    "a text in quotation marks holds nothing that ends it",
    arguments: [
      ("a", "\"a\""), ("a\"b\\c", "\"a\\\"b\\\\c\""), ("a\nb\u{7f}", "\"a\\u000ab\\u007f\""),
      ("é", "\"é\""),
    ])
  func quotes(_ text: String, _ expected: String) {
    #expect(ClientFile.quoted(text) == expected)
  }
}
