import Foundation
import Support
import Testing

/// Codes in what others say, in every place from which something is printed.
@Suite("Printing", .timeLimit(.minutes(10)), .serialized)
struct PrintingTests {
  /// Moves the cursor, sets a title, C1's own form of the same, turns text around, hides it, breaks the line.
  static let hostile =
    "a\u{1B}[2J\u{1B}]0;x\u{07}\u{9B}31m\u{202E}gpj\u{200B}\u{2028}\u{7F}\u{FEFF}"

  /// What acts on a terminal or reorders text.
  static func acts(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar != "\n", scalar != "\t", scalar != "\r" else { return false }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse: return true
    default: return false
    }
  }

  static func expectQuiet(_ outcome: Command.Outcome, _ what: String) {
    let said = outcome.output + outcome.errors
    #expect(!said.unicodeScalars.contains(where: acts), "\(what): \(said.debugDescription)")
  }

  static func json(_ value: Any) throws -> Data {
    try JSONSerialization.data(withJSONObject: value, options: [.withoutEscapingSlashes])
  }

  @Test(
    "names and types in a store's index",
    arguments: ["list", "list --format json", "verify", "prune"])
  func storeIndex(command: String) async throws {
    let cairn = try Command()
    let image = try FakeImage(layers: [Content.bytes(5_000, seed: 1)])
    let server = try FakeRegistry(image)
    let pulled = try await cairn("pull", "--plain-http", "\(server.host)/o/n:latest")
    try #require(pulled.status == 0)
    let path = cairn.store + "/index.json"
    let data = try #require(FileManager.default.contents(atPath: path))
    var index = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    var entries = try #require(index["manifests"] as? [[String: Any]])
    var other = entries[0]
    let name = Self.hostile + "\nforged"
    other["annotations"] = [
      "org.opencontainers.image.ref.name": name, "io.containerd.image.name": name,
    ]
    other["platform"] = ["os": Self.hostile, "architecture": Self.hostile]
    var gone = other
    gone["digest"] = "sha256:" + String(repeating: "0", count: 64)
    gone["mediaType"] = Self.hostile
    entries += [other, gone]
    index["manifests"] = entries
    try Self.json(index).write(to: URL(filePath: path))
    let words = command.split(separator: " ").map(String.init)
    let outcome = try await Command.finish(cairn.process(["store"] + words))
    Self.expectQuiet(outcome, command)
    #expect(!(outcome.output + outcome.errors).isEmpty)
    #expect(!"\n\(outcome.output)".contains("\nforged"), "a name makes up a line")
  }

  @Test(
    "a file's name makes up no line of an error",
    arguments: ["\n", "\r", "\u{85}", "\u{2028}", "\u{B}"])
  func linesInNames(end: String) async throws {
    let cairn = try Command()
    let folder = cairn.store + "-models"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let file = "\(folder)/a\(end)forged: yes.json"
    #expect(FileManager.default.createFile(atPath: file, contents: Data("{}".utf8)))
    for arguments in [["--models", folder], ["--model", file], ["--model", file + "/none.json"]] {
      let outcome = try await Command.finish(cairn.process(["simulate"] + arguments))
      #expect(outcome.status != 0 && outcome.errors.contains("forged"))
      let lines = outcome.errors.unicodeScalars.split { CharacterSet.newlines.contains($0) }
      #expect(!lines.contains { String($0).hasPrefix("forged") }, "\(outcome.errors)")
    }
  }

  @Test(
    "a registry's words, types and annotations",
    arguments: [
      ["inspect"], ["inspect", "--format", "json"], ["pull", "--progress", "plain"],
      ["pull", "--progress", "json"], ["pull", "--log-level", "debug"],
      ["pull", "--platform", "plan9/x"],
    ], ["error", "image", "index", "challenge"])
  func registry(arguments: [String], place: String) async throws {
    let image = try FakeImage(layers: [Content.bytes(5_000, seed: 1)]) { document in
      document["annotations"] = [Self.hostile: Self.hostile]
      document["artifactType"] = Self.hostile
      guard place == "image" else { return }
      var layers = document["layers"] as? [[String: Any]] ?? []
      layers[0]["mediaType"] = Self.hostile
      layers[0]["annotations"] = ["org.opencontainers.image.title": Self.hostile]
      document["layers"] = layers
    }
    let server = try FakeRegistry(image) { request in
      guard request.target.contains("/manifests/latest") else { return nil }
      switch place {
      case "error":
        let body = try? Self.json(["errors": [["code": Self.hostile, "message": Self.hostile]]])
        return .response(400, [("Content-Type", Self.hostile)], Array(body ?? Data()))
      case "challenge":
        return .status(401, [("WWW-Authenticate", "Bearer realm=\"\(Self.hostile)\"")])
      case "index":
        let entry: [String: Any] = [
          "mediaType": Self.hostile, "digest": "\(image.manifest)", "size": 300,
          "platform": ["os": Self.hostile, "architecture": "amd64", "variant": Self.hostile],
          "artifactType": Self.hostile,
        ]
        let body = try? Self.json(["schemaVersion": 2, "manifests": [entry]])
        return .response(
          200, [("Content-Type", "application/vnd.oci.image.index.v1+json")], Array(body ?? Data()))
      default: return nil
      }
    }
    let cairn = try Command()
    let rest = ["--plain-http", "--retries", "0", "\(server.host)/o/n:latest"]
    let outcome = try await Command.finish(cairn.process(arguments + rest))
    Self.expectQuiet(outcome, "\(arguments), \(place)")
    #expect(!(outcome.output + outcome.errors).isEmpty)
  }

  @Test("mirror files, models, certificates and arguments")
  func files() async throws {
    let cairn = try Command()
    let hosts = cairn.folder("hosts/r.example")
    try FileManager.default.createDirectory(atPath: hosts, withIntermediateDirectories: true)
    try "[host.\"http://\(Self.hostile)\"]\n\(Self.hostile) = 1\n".write(
      toFile: hosts + "/hosts.toml", atomically: true, encoding: .utf8)
    let model = cairn.folder("model.json")
    try Self.json(["name": Self.hostile, Self.hostile: 1]).write(to: URL(filePath: model))
    let certificate = cairn.folder("ca.pem")
    try "-----BEGIN CERTIFICATE-----\n\(Self.hostile)\n".write(
      toFile: certificate, atomically: true, encoding: .utf8)
    for arguments in [
      ["inspect", "--explain-endpoints", "--hosts-dir", cairn.folder("hosts"), "r.example/a:1"],
      ["simulate", "--model", model], ["simulate", "--model", Self.hostile],
      ["inspect", "--ca-file", certificate, "127.0.0.1:1/a:1"], ["inspect", Self.hostile],
      ["pull", "--output", Self.hostile, "a"], [Self.hostile], ["tune", "--import", Self.hostile],
      ["tune", "--registry", Self.hostile],
    ] {
      let outcome = try await Command.finish(cairn.process(arguments))
      Self.expectQuiet(outcome, "\(arguments.prefix(2))")
    }
  }
}
