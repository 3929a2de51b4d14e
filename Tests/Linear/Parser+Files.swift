@testable import OCI
@testable import Registry
@testable import Store
@testable import TOML

extension Parser {
  private static let toml: [Frame] = [
    .init("[\"", "\"]\na = 1\n"), .init("[host.\"", "\"]\n"), .init("a = \"\"\"", "\"\"\""),
    .init("a = [", "1]"), .init("a = {", "b = 1}"),
    .init("[[registry]]\nprefix = \"", "\"\nlocation = \"a.b\"\n"), .init("server = \"", "\"\n"),
  ]

  /// Files of settings, mirrors and stores.
  static let files: [Parser] = [
    ofText("toml", toml) { _ = try? TOMLReader.read($0) },
    ofText("hosts.toml", toml) { text in
      guard let file = try? HostsFile(text), let reference = try? Reference("a.b/c:1"),
        let own = try? Endpoint(of: reference, plainHTTP: false)
      else { return }
      _ = file.endpoints(for: reference, own: own)
    },
    ofText("registries.conf", toml) { text in
      guard let file = try? RegistriesFile(text, path: "/r.conf"),
        let reference = try? Reference("a.b/c:1")
      else { return }
      var config = RegistriesConfig()
      config.add(file, path: "/r.conf")
      _ = try? config.plan(for: reference, plainHTTP: false)
    },
    ofText("journal", [.init("cairn 1\n")]) { text in
      guard let digest = try? Digest("sha256:" + String(repeating: "a", count: 64)) else { return }
      _ = ResumeMap(parsing: text, digest: digest, size: 1 << 40)
      let lines = text.split(separator: "\n").map { ResumeMap.line(String($0)) }.joined()
      _ = ResumeMap(parsing: lines, digest: digest, size: 1 << 40)
    },
  ]
}
