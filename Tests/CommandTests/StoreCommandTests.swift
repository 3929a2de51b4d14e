import Foundation
import OCI
import Support
import Testing

@testable import cairn

/// What `cairn store` and `pull --quiet` say of digests and platforms, and what reading commands leave alone.
@Suite("Store commands", .timeLimit(.minutes(10)), .serialized)
struct StoreCommandTests {
  let cairn: Command
  let image: FakeImage
  let registry: FakeRegistry

  init() throws {
    cairn = try Command()
    image = try FakeImage(
      layers: [Content.bytes(5_000, seed: 1)], platforms: ["linux/amd64", "linux/arm64"])
    registry = try FakeRegistry(image)
  }

  var name: String { "\(registry.host)/o/n:latest" }

  @discardableResult
  func pull(_ arguments: String...) async throws -> Command.Outcome {
    let outcome = try await Command.finish(cairn.process(["pull", "--plain-http"] + arguments))
    #expect(outcome.status == 0, "\(outcome.errors)")
    return outcome
  }

  func list() async throws -> [[String: Any]] {
    let outcome = try await cairn("store", "list", "--format", "json")
    return try #require(
      try JSONSerialization.jsonObject(with: outcome.bytes) as? [[String: Any]])
  }

  /// The manifest of a platform.
  func manifest(_ architecture: String) throws -> Digest {
    let index = try #require(image.manifests[image.manifest])
    guard case .index(let found) = try ImageDocument.parse(Data(index.bytes), contentType: nil)
    else { throw CancellationError() }
    return try #require(
      found.manifests.first { $0.platform?.architecture == architecture }?.digest)
  }

  @Test(
    "what a name means is the index's digest, whether it is named by tag or digest, and the platform's stands beside it"
  )
  func digests() async throws {
    for reference in [name, "\(registry.host)/o/n@\(image.manifest)"] {
      let own = try manifest("arm64")
      let quiet = try await pull(reference, "--platform", "linux/arm64", "-q")
      #expect(quiet.output == "\(image.manifest)\n" && quiet.errors.isEmpty)
      let json = try await pull(
        reference, "--platform", "linux/arm64", "--progress", "json")
      for event in ["resolved", "finished"] {
        let line = try #require(
          json.output.split(separator: "\n").last { $0.contains("\"event\":\"\(event)\"") })
        for words in [
          "\"digest\":\"\(image.manifest)\"", "\"platform\":\"linux/arm64\"",
          "\"platformDigest\":\"\(own)\"",
        ] { #expect(line.contains(words)) }
      }
      let row = try #require(try await list().first { $0["name"] as? String == reference })
      #expect(row["digest"] as? String == "\(image.manifest)")
      #expect(row["platformDigest"] as? String == "\(own)")
      #expect(row["layoutDigest"] as? String == "\(own)")
    }
    // The platform's own digest names no index.
    let own = try manifest("amd64")
    let quiet = try await pull("\(registry.host)/o/n@\(own)", "-q")
    #expect(quiet.output == "\(own)\n")
    let all = try await pull(name, "--all-platforms", "-q")
    #expect(all.output == "\(image.manifest)\n")
  }

  @Test("a store whose index is empty says what helps, and that helps (containerd#12302)")
  func emptyIndex() async throws {
    let cairn = try Command()
    let registry = try FakeRegistry(FakeImage(layers: [Content.bytes(5_000, seed: 1)]))
    let pull = ["pull", "\(registry.host)/o/n:latest", "--plain-http"]
    let whole = try await Command.finish(cairn.process(pull))
    try #require(whole.status == 0, "\(whole.errors)")
    let fetched = registry.blobRequests.count
    try Data().write(to: URL(filePath: cairn.store + "/index.json"))
    for command in [
      pull, ["store", "list"], ["store", "prune"], ["store", "verify", "--repair"],
    ] {
      let outcome = try await Command.finish(cairn.process(command))
      #expect(outcome.status == 73, "\(command)")
      #expect(outcome.errors.contains("\nhint: what it named is lost"), "\(outcome.errors)")
    }
    try FileManager.default.removeItem(atPath: cairn.store + "/index.json")
    let again = try await Command.finish(cairn.process(pull))
    #expect(again.status == 0 && registry.blobRequests.count == fetched, "\(again.errors)")
    #expect(try await cairn("store", "list").output.contains("\(registry.host)/o/n:latest"))
  }

  @Test("an image that is not of an index is listed with the platform that its configuration names")
  func single() async throws {
    let single = try FakeRegistry(FakeImage(layers: [[1, 2, 3]]))
    try await pull("\(single.host)/o/n")
    let row = try #require(try await list().first)
    #expect(row["platform"] as? String == "linux/amd64" && row["platformDigest"] == nil)
    #expect(row["digest"] as? String == row["layoutDigest"] as? String)
  }

  @Test("platforms of a tag live beside each other, are listed, kept, and removed one by one")
  func platforms() async throws {
    try await pull(name, "--platform", "linux/amd64")
    try await pull(name, "--platform", "linux/arm64")
    func names() async throws -> [String] {
      try await list().map {
        "\($0["platform"] as? String ?? "-") \($0["hasName"] as? Bool == true ? "name" : "held")"
      }
    }
    #expect(try await names() == ["linux/arm64 name", "linux/amd64 held"])
    let text = try await cairn("store", "list")
    #expect(text.output.split(separator: "\n").last?.hasSuffix("  (beside)") ?? false)
    #expect(try await cairn("store", "prune").output == "freed 0 B: 0 blobs, 0 partial downloads\n")
    try await pull(name, "--platform", "linux/amd64")
    #expect(try await names() == ["linux/amd64 name", "linux/arm64 held"])
    let unknown = try await cairn("store", "remove", name, "--platform", "linux/s390x")
    #expect(unknown.status == 66 && unknown.errors.contains("for linux/s390x"))
    let one = try await cairn("store", "remove", name, "--platform", "linux/amd64")
    #expect(
      one.output.hasPrefix("removed \(name)\nfreed ")
        && one.output.hasSuffix(": 2 blobs, 0 partial downloads\n"))
    #expect(try await names() == ["linux/arm64 name"])
    #expect(try await cairn("store", "verify").status == 0)
    let rest = try await cairn("store", "remove", name)
    #expect(rest.output.contains("removed \(name)\n"))
    // Without images, nothing is left but what an index could be told unchanged by.
    #expect(try await list().isEmpty)
    #expect(try await cairn("store", "remove", name).status == 66)
  }

  @Test("an image is removed by any of its names, and what others need stays")
  func removesByAnyName() async throws {
    for text in [
      name, "\(registry.host)/o/n", "\(image.manifest)", "\(try manifest("amd64"))",
    ] {
      try await pull(name, "--platform", "linux/amd64")
      try await pull("\(registry.host)/o/n@\(try manifest("arm64"))")
      let outcome = try await cairn("store", "remove", text)
      #expect(outcome.status == 0 && outcome.output.contains("removed \(name)\n"), "\(text)")
      #expect(try await list().count == 1)
      #expect(try await cairn("store", "verify").status == 0)
    }
  }

  @Test("a repair gives a name to nobody: what stood beside goes on doing so")
  func repairsBeside() async throws {
    try await pull(name, "--platform", "linux/amd64")
    try await pull(name, "--platform", "linux/arm64")
    let before = try await list()
    for folder in try FileManager.default.contentsOfDirectory(atPath: cairn.store + "/blobs/sha256")
    where try readFile("\(cairn.store)/blobs/sha256/\(folder)").count == 5_000 {
      try writeFile("\(cairn.store)/blobs/sha256/\(folder)", [1, 2, 3])
    }
    let repaired = try await cairn("store", "verify", "--repair", "--plain-http")
    #expect(repaired.status == 0, "\(repaired.errors)")
    #expect(repaired.output.contains("needed by \(name), \(name) (linux/amd64)"))
    #expect(
      try await list().map { $0["layoutDigest"] as? String }
        == before.map { $0["layoutDigest"] as? String })
    #expect(
      try await list().map { $0["digest"] as? String } == before.map { $0["digest"] as? String })
    #expect(try await cairn("store", "verify").status == 0)
  }

  @Test("a repair tries every image, and says of each that failed what became of it")
  func repairsTheRest() async throws {
    let second = try FakeImage(layers: [Content.bytes(6_000, seed: 2)])
    let isGone = Log<Bool>()
    let first = image
    let both = try RawServer { request in
      if request.target.contains("/a/first/") {
        return isGone.all.isEmpty ? FakeRegistry.answer(request, first) : .status(404)
      }
      return FakeRegistry.answer(request, second)
    }
    let layers = [image.layers[0], second.layers[0]]
    let names = ["a/first", "b/second"].map { "\(both.host)/\($0):latest" }
    for name in names { try await pull(name, "--platform", "linux/amd64") }
    for layer in layers { try writeFile("\(cairn.store)/blobs/sha256/\(layer.hex)", [1, 2, 3]) }
    isGone.add(true)
    let repaired = try await cairn("store", "verify", "--repair", "--plain-http")
    #expect(repaired.status == 66, "\(repaired.errors)")
    #expect(repaired.errors.contains("1 of 2 images were not fetched again"))
    #expect(repaired.errors.contains("\(names[0]): ") && !repaired.errors.contains("\(names[1]): "))
    let there = try readFile("\(cairn.store)/blobs/sha256/\(layers[1].hex)")
    #expect(there == second.blobs[layers[1]])
    let again = try await cairn("store", "verify")
    #expect(again.status == 65 && again.output.contains("it is missing, needed by \(names[0])"))
  }

  @Test("a repair has a registry that lost its blobs fetch their manifest before it gives them up")
  func repairsFromPullThrough() async throws {
    // Once it lost them: how many requests it had before.
    let losses = Log<Int>()
    let requests = Log<ServedRequest>()
    let layer = image.layers[0]
    let registry = try FakeRegistry(image) { request in
      requests.add(request)
      guard request.target.contains("/blobs/"), let before = losses.all.last else { return nil }
      let since = requests.all.dropFirst(before)
      return since.contains { $0.target.contains("/manifests/sha256:") } ? nil : .status(404)
    }
    try await pull("\(registry.host)/o/n:latest", "--platform", "linux/amd64")
    try writeFile("\(cairn.store)/blobs/sha256/\(layer.hex)", [1, 2, 3])
    losses.add(requests.all.count)
    let repaired = try await cairn("store", "verify", "--repair", "--plain-http")
    #expect(repaired.status == 0, "\(repaired.errors)")
    #expect(try readFile("\(cairn.store)/blobs/sha256/\(layer.hex)") == image.blobs[layer])
  }

  @Test("a rehearsal says what a prune removes, and removes nothing")
  func rehearses() async throws {
    try await pull(name)
    try writeFile(
      cairn.store + "/.cairn/ingest/sha256-x.partial", Array(repeating: 1, count: 9_000))
    let before = try FileManager.default.subpathsOfDirectory(atPath: cairn.store)
    let rehearsal = try await cairn("store", "prune", "--keep-bytes", "1", "--dry-run")
    #expect(rehearsal.output.hasPrefix("would remove \(name)\nwould free "))
    #expect(try FileManager.default.subpathsOfDirectory(atPath: cairn.store) == before)
    let pruned = try await cairn("store", "prune", "--keep-bytes", "1")
    #expect(
      rehearsal.output.replacingOccurrences(of: "would remove", with: "removed")
        .replacingOccurrences(of: "would free", with: "freed") == pruned.output)
  }

  /// Names below a folder, with the times of their last change.
  func contents(_ folder: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder).sorted().map { name in
      var info = stat()
      lstat("\(folder)/\(name)", &info)
      return "\(name) \(info.st_mtim.tv_sec).\(info.st_mtim.tv_nsec)"
    }
  }

  static let reading: [[String]] = [
    ["store", "list"], ["store", "list", "--format", "json"], ["store", "verify"],
    ["store", "prune", "--dry-run"], ["store", "path"], ["inspect", "IMAGE"],
    ["inspect", "--explain-endpoints", "IMAGE"], ["tune", "--report"],
    ["tune", "--report", "--format", "json"], ["tune", "--export", "-"],
  ]

  @Test("reading commands make nothing where there is nothing", arguments: reading)
  func makeNothing(arguments: [String]) async throws {
    let before = try contents(cairn.folder.path)
    let rest = arguments.map { $0 == "IMAGE" ? name : $0 }
    let plain = arguments[0] == "inspect" ? ["--plain-http"] : []
    let outcome = try await Command.finish(cairn.process(rest + plain))
    #expect(outcome.status == (arguments.contains("verify") ? 66 : 0), "\(outcome.errors)")
    #expect(try contents(cairn.folder.path) == before)
  }

  @Test(
    "reading commands change nothing where there is something",
    arguments: reading + [["store", "prune"], ["store", "remove", "nothing/such"]])
  func changeNothing(arguments: [String]) async throws {
    try await pull(name)
    let before = try contents(cairn.folder.path)
    let rest = arguments.map { $0 == "IMAGE" ? name : $0 }
    let plain = arguments[0] == "inspect" ? ["--plain-http"] : []
    let outcome = try await Command.finish(cairn.process(rest + plain))
    #expect([0, 66].contains(outcome.status), "\(outcome.errors)")
    #expect(try contents(cairn.folder.path) == before)
  }

  @Test(
    "commands that remove or verify make no store either",
    arguments: [["prune"], ["remove", "x"], ["verify", "--repair"], ["verify"]])
  func removesFromNothing(arguments: [String]) async throws {
    let outcome = try await Command.finish(cairn.process(["store"] + arguments))
    // What was to be looked at, and is not there, is not sound.
    #expect(outcome.status == (arguments[0] == "prune" ? 0 : 66))
    #expect(outcome.errors.contains("there is no store at \(cairn.store) yet"))
    #expect(!FileManager.default.fileExists(atPath: cairn.store))
  }

  @Test("columns stand below each other, and one long name pushes only its own line")
  func columns() {
    let long = String(repeating: "n", count: 200)
    let lines = StoreListCommand.lines([
      ["a", "1", "684 KiB", "-", "2026"], ["bcd", "12", "1 B", "linux/arm64", "2026", "(beside)"],
      [long, "3", "1 B", "-", "2026"],
    ])
    #expect(
      lines == [
        "a    1   684 KiB  -            2026",
        "bcd  12  1 B      linux/arm64  2026  (beside)",
        "\(long)  3   1 B      -            2026",
      ])
  }

  @Test("a file in the store that claims to be endless is said, and is no damage")
  func endless() async throws {
    try await pull(name)
    let planted = "sha256:" + String(repeating: "0", count: 64)
    let path = "\(cairn.store)/blobs/sha256/\(planted.dropFirst(7))"
    try writeFile(path, [1])
    try #require(truncate(path, 1 << 40) == 0)
    let verified = try await cairn("store", "verify")
    #expect(verified.status == 0)
    #expect(verified.output.contains("not read: \(planted): most of it is holes"))
    #expect(verified.output.contains(" 0 damaged"))
  }

  @Test("a layout of another tool is listed and verified as it is")
  func foreignLayout() async throws {
    try await pull(name, "--output", "oci:\(cairn.folder("theirs")):t")
    let before = try contents(cairn.folder("theirs"))
    let listed = try await cairn("store", "list", "--store", cairn.folder("theirs"))
    #expect(listed.output.hasPrefix("t  "))
    #expect(try await cairn("store", "verify", "--store", cairn.folder("theirs")).status == 0)
    #expect(try contents(cairn.folder("theirs")) == before)
  }
}
