/// containers/image: podman, buildah, skopeo and CRI-O. A mirror's location takes the place of the
/// registry's name.
extension ClientConfig {
  static func podman(_ endpoint: ClientEndpoint, _ registries: [ClientRegistry]) -> Parts {
    var notes = [
      "Also for buildah and skopeo. Without root: ~/.config/containers/registries.conf.d/50-cairn.conf."
    ]
    for registry in registries where registry.isPrivate {
      notes += ["Private images: podman login \(endpoint.authority)/\(registry.component)"]
    }
    return mirrors(endpoint, registries, notes)
  }

  static func crio(_ endpoint: ClientEndpoint, _ registries: [ClientRegistry]) -> Parts {
    var notes = ["Then: systemctl reload crio"]
    for registry in registries where registry.isPrivate {
      notes += [
        "Private images: credentials for \(endpoint.authority)/\(registry.component) in the global_auth_file of crio.conf."
      ]
    }
    return mirrors(endpoint, registries, notes)
  }

  private static func mirrors(
    _ endpoint: ClientEndpoint, _ registries: [ClientRegistry], _ notes: [String]
  ) -> Parts {
    var lines: [String] = []
    for registry in registries.isEmpty ? ClientRegistry.usual : registries {
      lines += lines.isEmpty ? [] : [""]
      lines += ["[[registry]]", "prefix = \(quoted(registry.name))"]
      lines += ["location = \(quoted(registry.name))"]
      if registry.isPlain { lines += ["insecure = true"] }
      lines += ["", "[[registry.mirror]]"]
      lines += ["location = \(quoted("\(endpoint.authority)/\(registry.component)"))"]
      if endpoint.certificate == nil { lines += ["insecure = true"] }
    }
    let file = ClientFile("/etc/containers/registries.conf.d/50-cairn.conf", lines)
    var notes = notes
    if registries.isEmpty {
      notes = ["There is no word for every registry: add those that you pull from."] + notes
    }
    if let certificate = endpoint.certificate {
      notes += ["Copy \(certificate) to /etc/containers/certs.d/\(endpoint.authority)/ca.crt"]
    }
    return ([file], notes)
  }
}
