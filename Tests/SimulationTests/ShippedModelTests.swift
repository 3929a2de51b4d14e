import Foundation
import Simulation
import Testing

@Suite("Models in the program")
struct ShippedModelTests {
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// Kind, folder, name of the list, names of all, and the JSON of one.
  static let kinds: [(String, String, String, [String], @Sendable (String) -> Data?)] = [
    ("Links", "models", "links", ShippedModels.linkNames, ShippedModels.link),
    ("Images", "models/images", "images", ShippedModels.imageNames, ShippedModels.image),
  ]

  /// The models of a folder: names and texts, without the last line's end.
  static func files(_ folder: String) throws -> [(name: String, text: String)] {
    let folder = root.appending(path: folder)
    return try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".json") }.sorted().map { file in
        let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
        return (String(file.dropLast(5)), text.trimmingCharacters(in: .newlines))
      }
  }

  @Test("are those of the folder, to the letter", arguments: kinds.indices)
  func areTheFiles(index: Int) throws {
    let (kind, folder, list, names, json) = Self.kinds[index]
    let files = try Self.files(folder)
    if ProcessInfo.processInfo.environment["CAIRN_WRITE_MODELS"] == "1" {
      try Self.write(kind, folder, list, files)
      return
    }
    #expect(names == files.map(\.name))
    for (name, text) in files {
      let shipped = json(name).map { String(decoding: $0, as: UTF8.self) }
      #expect(shipped == text, "\(name): write them anew, see ShippedModels+\(kind).swift")
    }
  }

  @Test("are models", arguments: ShippedModels.linkNames)
  func linksAreRead(name: String) throws {
    #expect(try LinkModel(json: #require(ShippedModels.link(name))).name == name)
  }

  @Test("of images are models", arguments: ShippedModels.imageNames)
  func imagesAreRead(name: String) throws {
    #expect(try ImageModel(json: #require(ShippedModels.image(name))).name == name)
  }

  @Test(
    "have no name that is not among them", arguments: ["", "none", "home-100.json", "../home-100"])
  func unknown(name: String) {
    #expect(ShippedModels.link(name) == nil && ShippedModels.image(name) == nil)
  }

  private static func write(
    _ kind: String, _ folder: String, _ list: String, _ files: [(name: String, text: String)]
  ) throws {
    var lines = [
      "// Written by `CAIRN_WRITE_MODELS=1 swift test --filter ShippedModelTests`: the texts of \(folder)/*.json.",
      "// swift-format-ignore-file", "", "extension ShippedModels {",
      "  static let \(list): [(name: String, json: String)] = [",
    ]
    for (name, text) in files {
      lines += ["    (", "      \"\(name)\",", "      #\"\"\""]
      lines += text.components(separatedBy: "\n").map { $0.isEmpty ? "" : "      \($0)" }
      lines += ["      \"\"\"#", "    ),"]
    }
    let path = root.appending(path: "Sources/Lab/Simulation/Models/ShippedModels+\(kind).swift")
    try ((lines + ["  ]", "}"]).joined(separator: "\n") + "\n")
      .write(to: path, atomically: true, encoding: .utf8)
  }
}
