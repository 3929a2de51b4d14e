/// Clients with files of their own form.
extension ClientConfig {
  static func buildkit(_ endpoint: ClientEndpoint, _ registries: [ClientRegistry]) -> Parts {
    var lines: [String] = []
    for registry in registries.isEmpty ? ClientRegistry.usual : registries {
      lines += ["[registry.\(quoted(registry.name))]"]
      lines += ["  mirrors = [\(quoted(endpoint.authority))]"]
      if registry.isPlain { lines += ["  http = true"] }
      lines += [""]
    }
    lines += ["[registry.\(quoted(endpoint.authority))]"]
    lines += [endpoint.certificate.map { "  ca = [\(quoted($0))]" } ?? "  http = true"]
    var notes = ["buildctl's daemon: restart buildkitd."]
    if registries.isEmpty {
      notes = ["There is no word for every registry: add those that you pull from."] + notes
    }
    notes += [
      "buildx: docker buildx create --use --buildkitd-config /etc/buildkit/buildkitd.toml"
        + (endpoint.isLoopback ? " --driver-opt network=host" : "")
    ]
    return ([ClientFile("/etc/buildkit/buildkitd.toml", lines)], notes)
  }

  static func k3s(_ endpoint: ClientEndpoint, _ registries: [ClientRegistry]) -> Parts {
    var lines = ["mirrors:"]
    for name in registries.isEmpty ? ["*"] : registries.map(\.name) {
      lines += ["  \(quoted(name)):", "    endpoint:", "      - \(quoted(endpoint.url))"]
    }
    if let certificate = endpoint.certificate {
      lines += ["configs:", "  \(quoted(endpoint.authority)):", "    tls:"]
      lines += ["      ca_file: \(quoted(certificate))"]
    }
    var notes = ["On each node; then: systemctl restart k3s (k3s-agent on agents)."]
    if registries.isEmpty { notes += ["\"*\" needs k3s of January 2024 or later (v1.29.1+k3s1)."] }
    if registries.contains(where: \.isPrivate) {
      notes += ["Private images: with the pull secrets of Kubernetes, as before."]
    }
    return ([ClientFile("/etc/rancher/k3s/registries.yaml", lines)], notes)
  }
}
