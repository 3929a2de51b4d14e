/// containerd's resolver, and who else has it: nerdctl, Kubernetes' CRI, docker's containerd store, kind.
extension ClientConfig {
  /// One `hosts.toml` a registry, or the one of `_default` for all: read at each pull, no restart.
  ///
  /// - Parameter folder: the one that holds a folder a registry.
  static func hosts(
    in folder: String, _ endpoint: ClientEndpoint, _ registries: [ClientRegistry]
  ) -> [ClientFile] {
    var host = ["[host.\(quoted(endpoint.url))]", "  capabilities = [\"pull\", \"resolve\"]"]
    if let certificate = endpoint.certificate { host += ["  ca = \(quoted(certificate))"] }
    // Without `server`, the registry that was asked for is what comes after the endpoint.
    if registries.isEmpty { return [ClientFile("\(folder)/_default/hosts.toml", host)] }
    return registries.map {
      ClientFile(
        "\(folder)/\($0.name)/hosts.toml", ["server = \(quoted($0.url))", ""] + host)
    }
  }

  static func containerd(
    _ endpoint: ClientEndpoint, _ registries: [ClientRegistry]
  ) -> Parts {
    let folder = "/etc/containerd/certs.d"
    let plugin = ClientFile(
      "/etc/containerd/config.toml",
      [
        "version = 2", "",
        "[plugins.\"io.containerd.grpc.v1.cri\".registry]", "  config_path = \(quoted(folder))",
      ])
    var notes = [
      "config.toml is for Kubernetes only, and wants a restart of containerd once; containerd 2 has this path by default.",
      "ctr: ctr images pull --hosts-dir \(folder) IMAGE. nerdctl reads the folder by itself.",
    ]
    if registries.contains(where: \.isPrivate) {
      notes += ["Private images: pull secrets and --user work as before."]
    }
    return (hosts(in: folder, endpoint, registries) + [plugin], notes)
  }

  /// Docker 29 asks as containerd does; the older store knows mirrors of Docker Hub alone, for
  /// which it names no registry.
  static func docker(_ endpoint: ClientEndpoint, _ registries: [ClientRegistry]) -> Parts {
    var files = hosts(in: "/etc/docker/certs.d", endpoint, registries)
    var notes = [
      "hosts.toml is for docker 29 and later with the containerd image store (docker info: driver-type io.containerd.snapshotter.v1)."
    ]
    if registries.isEmpty || registries.contains(where: { $0.name == "docker.io" }) {
      files += [
        ClientFile(
          "/etc/docker/daemon.json",
          ["{", "  \"registry-mirrors\": [\(quoted(endpoint.url))]", "}"])
      ]
      notes += [
        "daemon.json is for the older store, Docker Hub only: keep what else it holds, then systemctl reload docker."
      ]
    }
    if registries.contains(where: \.isPrivate) {
      notes += [
        "docker gives no mirror its credentials: it pulls private images past the endpoint."
      ]
    }
    return (files, notes)
  }

  static func kind(_ endpoint: ClientEndpoint, _ registries: [ClientRegistry]) -> Parts {
    let folder = "/etc/containerd/certs.d"
    let cluster = ClientFile(
      "kind.yaml",
      [
        "kind: Cluster", "apiVersion: kind.x-k8s.io/v1alpha4", "containerdConfigPatches:",
        "  - |-", "    [plugins.\"io.containerd.grpc.v1.cri\".registry]",
        "      config_path = \(quoted(folder))", "nodes:", "  - role: control-plane",
        "    extraMounts:", "      - hostPath: \(quoted(folder))",
        "        containerPath: \(quoted(folder))",
      ])
    var notes = ["kind create cluster --config kind.yaml; each node needs the mount."]
    if let certificate = endpoint.certificate {
      notes += ["Mount \(certificate), too."]
    }
    if endpoint.isLoopback {
      notes += [
        "A node has a loopback of its own: let the endpoint listen at the gateway of docker's network, and print this for it:",
        "docker network inspect kind -f '{{range .IPAM.Config}}{{.Gateway}} {{end}}'",
      ]
    }
    return (hosts(in: folder, endpoint, registries) + [cluster], notes)
  }
}
