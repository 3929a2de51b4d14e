import Foundation
import OCI
import Support
import Testing

@Suite("Several images in one run", .timeLimit(.minutes(10)))
struct SeveralImagesTests {
  private let cairn: Command
  /// Two images of one registry and one of another, with a layer that all of them have.
  private let near: FakeImage
  private let far: FakeImage
  private let common: Digest

  init() throws {
    cairn = try Command()
    let shared = Content.bytes(700_000, seed: 1)
    func image(_ own: UInt64, _ tag: String) throws -> FakeImage {
      try FakeImage(layers: [shared, Content.bytes(90_000, seed: own)], tag: tag)
    }
    var both = try image(2, "a")
    let other = try image(3, "b")
    both.blobs.merge(other.blobs) { $1 }
    both.manifests.merge(other.manifests) { $1 }
    both.tags.merge(other.tags) { $1 }
    near = both
    far = try image(4, "c")
    common = far.layers[0]
  }

  private func lines(_ text: String) throws -> [[String: Any]] {
    try text.split(separator: "\n").map {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
    }
  }

  @Test("each blob comes once, from one registry, and every image is there")
  func once() async throws {
    let (first, second) = (try FakeRegistry(near), try FakeRegistry(far))
    let names = ["\(first.host)/o/n:a", "\(first.host)/o/n:b", "\(second.host)/o/n:c"]
    let outcome = try await Command.finish(
      cairn.process(["pull"] + names + ["--plain-http", "--progress", "json", "--explain"]))
    #expect(outcome.status == 0, "\(outcome.errors)")
    let askers = [first, second].filter { registry in
      registry.blobRequests.contains { $0.target.contains(common.hex) }
    }
    #expect(askers.count == 1)
    let ends = try lines(outcome.output).filter { $0["event"] as? String == "finished" }
    #expect(Set(ends.compactMap { $0["reference"] as? String }) == Set(names))
    let sizes = near.blobs.merging(far.blobs) { $1 }.values.reduce(0) { $0 + $1.count }
    #expect(ends.reduce(0) { $0 + ($1["bytesFetched"] as? Int ?? 0) } == sizes)
    // One pool a registry, whatever it is for.
    #expect(outcome.errors.split(separator: "\n").count { $0.contains("policy climb:") } == 2)
    let list = try await cairn("store", "list")
    for name in names { #expect(list.output.contains(name)) }
  }

  @Test("two processes fetch common layers once, and the second says that another is at it")
  func twoProcesses() async throws {
    let (isAsked, isMet) = (Gate(), Gate())
    let common = common.hex
    let registry = try FakeRegistry(near) { request in
      guard request.target.contains(common) else { return nil }
      isAsked.open()
      isMet.pass()
      return nil
    }
    func pull(_ tag: String, into file: String) throws -> Running {
      let process = cairn.process([
        "-c", "exec \"$@\" >'\(file)'", "sh", Command.path, "pull", "\(registry.host)/o/n:\(tag)",
        "--plain-http", "--stall-timeout", "100", "--progress", "json",
      ])
      process.executableURL = URL(filePath: "/bin/sh")
      return try Running.start(process)
    }
    let files = ["a", "b"].map { cairn.folder("\($0).jsonl") }
    func said(_ file: String) -> String {
      (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
    }
    let first = try pull("a", into: files[0])
    await isAsked.opened()
    let second = try pull("b", into: files[1])
    try await eventually { said(files[1]).contains("\"elsewhere\"") }
    isMet.open()
    for running in [first, second] { await running.finished().expectSuccess() }
    let fetched = try files.map { file in
      try lines(said(file)).last { $0["event"] as? String == "finished" }?["bytesFetched"] as? Int
    }
    let sizes = near.blobs.values.reduce(0) { $0 + $1.count }
    #expect(fetched.reduce(0) { $0 + ($1 ?? 0) } == sizes, "\(fetched)")
  }

  @Test("what is wrong with a file is said once, however many images it is about")
  func warnsOnce() async throws {
    let registry = try FakeRegistry(near)
    try FileManager.default.createDirectory(
      atPath: cairn.folder("hosts/_default"), withIntermediateDirectories: true)
    try writeFile(cairn.folder("hosts/_default/hosts.toml"), Array("nonsense".utf8))
    let outcome = try await cairn(
      "pull", "\(registry.host)/o/n:a", "\(registry.host)/o/n:b", "--plain-http", "--hosts-dir",
      cairn.folder("hosts"))
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.warnings.count { $0.contains("hosts.toml") } == 1, "\(outcome.errors)")
  }

  @Test("a file names images, one a line, with comments")
  func fromFile() async throws {
    let registry = try FakeRegistry(near)
    let file = cairn.folder("images.txt")
    try """
    # what the cluster needs
    \(registry.host)/o/n:a
      \(registry.host)/o/n:b   # and this

    \(registry.host)/o/n:a
    """.write(toFile: file, atomically: true, encoding: .utf8)
    let outcome = try await cairn("pull", "--from", file, "--plain-http", "-q")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let expected = ["a", "b"].map {
      "\(near.tags[$0]?.description ?? "") \(registry.host)/o/n:\($0)"
    }
    #expect(outcome.output.split(separator: "\n").map(String.init) == expected)
  }

  @Test("a byte order mark before a list is passed over, as others do (docker/compose#5220)")
  func markedFile() async throws {
    let registry = try FakeRegistry(near)
    let file = cairn.folder("images.txt")
    try "\u{FEFF}\(registry.host)/o/n:a\r\n\(registry.host)/o/n:b\r\n".write(
      toFile: file, atomically: true, encoding: .utf8)
    let outcome = try await cairn("pull", "--from", file, "--plain-http", "-q")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.split(separator: "\n").count == 2)
  }

  @Test(
    "a line that is no name is said by file and number, before anything is asked",
    arguments: [
      ("# all\n\n127.0.0.1:1/a  # one\n My/App:1 # x", "My/App:1"),
      ("a\r\nb\r\n\r\nMy/App:1\r\n", "My/App:1"),
      // The sign of kelvin, which is K to Swift.
      ("\n\na:K\na:\u{212A}\n", "a:\u{212A}"),
    ])
  func wrongLine(text: String, name: String) async throws {
    let file = cairn.folder("images.txt")
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    let outcome = try await cairn("pull", "--from", file)
    #expect(outcome.status == 64)
    #expect(
      outcome.errors.hasPrefix("cairn: \(file):4: invalid image reference: ")
        && outcome.errors.contains("\n  \(name)\n"), "\(outcome.errors)")
  }

  @Test("a line that is longer than any name is not read on")
  func longLine() async throws {
    let file = cairn.folder("images.txt")
    try ("# " + String(repeating: "c", count: 10_000) + "\n" + String(repeating: "a", count: 4_097))
      .write(toFile: file, atomically: true, encoding: .utf8)
    let outcome = try await cairn("pull", "--from", file)
    #expect(outcome.status == 64)
    #expect(outcome.errors == "cairn: \(file):2: the line has more than 4096 bytes\n")
  }

  @Test("several images go into one layout by a command for each, as the hint says (skopeo#556)")
  func severalIntoOneLayout() async throws {
    let registry = try FakeRegistry(near)
    let layout = cairn.folder("layout")
    for tag in ["a", "b"] {
      let outcome = try await cairn(
        "pull", "\(registry.host)/o/n:\(tag)", "--plain-http", "--output", "oci:\(layout):\(tag)")
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    let index = try String(contentsOfFile: layout + "/index.json", encoding: .utf8)
    for tag in ["a", "b"] { #expect(index.contains("\(near.tags[tag]?.description ?? "none")")) }
    let refused = try await cairn("pull", "x", "y", "--output", "oci:\(layout)")
    #expect(refused.errors.contains("\nhint: run a command for each"), "\(refused.errors)")
  }

  @Test("one that cannot be had keeps none of the others away, and is named")
  func oneFails() async throws {
    let registry = try FakeRegistry(near)
    let names = ["\(registry.host)/o/n:none", "\(registry.host)/o/n:b"]
    let outcome = try await Command.finish(cairn.process(["pull"] + names + ["--plain-http"]))
    #expect(outcome.status == 66)
    #expect(outcome.errors.contains("1 of 2 images were not pulled"))
    #expect(outcome.errors.contains(names[0]))
    // It is said when it happens, too, and not only after the others.
    let atOnce = outcome.errors.split(separator: "\n").first { $0.hasPrefix("not pulled: ") }
    #expect(atOnce?.contains(names[0]) == true, "\(outcome.errors)")
    let list = try await cairn("store", "list")
    #expect(list.output.contains(names[1]) && !list.output.contains(names[0]))
  }

  @Test(
    "a layer that one image's registry cannot give is had from another image's",
    arguments: [404, 403, 200])
  func lostByAnother(status: Int) async throws {
    let (isAsked, isShared) = (Gate(), Gate())
    let common = common.hex
    let bad = try FakeRegistry(near) { request in
      guard request.target.contains("/blobs/"), request.target.contains(common) else { return nil }
      isAsked.open()
      isShared.pass()
      return status == 200 ? .ok([UInt8](repeating: 0, count: 700_000)) : .status(status)
    }
    let good = try FakeRegistry(far) { request in
      if request.target.contains("/manifests/") { isAsked.pass() }
      // What comes beside it is asked for once it is wanted, too.
      if request.target.contains("/blobs/"), !request.target.contains(common) { isShared.open() }
      return nil
    }
    let names = ["\(bad.host)/o/n:a", "\(good.host)/o/n:c"]
    let run = cairn.process(["pull"] + names + ["--plain-http", "--retries", "1"])
    let outcome = try await Command.finish(run)
    // What has the right digest is right, whoever sends it.
    #expect(outcome.status == 0, "\(outcome.errors)")
    let list = try await cairn("store", "list")
    for name in names { #expect(list.output.contains(name)) }
    #expect(try await cairn("store", "verify").status == 0)
  }

  @Test("programs are told which image each failure is of, and what the run came to")
  func oneFailsForPrograms() async throws {
    let registry = try FakeRegistry(near)
    let names = ["\(registry.host)/o/n:none", "\(registry.host)/o/n:b"]
    let outcome = try await Command.finish(
      cairn.process(["pull"] + names + ["--plain-http", "--progress", "json"]))
    #expect(outcome.status == 66)
    let events = try lines(outcome.output)
    let failed = try #require(events.first { $0["event"] as? String == "failed" })
    #expect(failed["reference"] as? String == names[0] && failed["exitCode"] as? Int == 66)
    let total = try #require(events.last)
    #expect(total["event"] as? String == "total" && total["images"] as? Int == 2)
    #expect(total["imagesPulled"] as? Int == 1)
    #expect((total["bytesFetched"] as? Int ?? 0) > 790_000)
  }

  @Test("the rate is the run's, in one line at its end, and no image's")
  func summedUp() async throws {
    let registry = try FakeRegistry(near)
    let names = ["a", "b"].map { "\(registry.host)/o/n:\($0)" }
    func pull(_ names: [String]) async throws -> [String] {
      let outcome = try await Command.finish(cairn.process(["pull"] + names + ["--plain-http"]))
      #expect(outcome.status == 0, "\(outcome.errors)")
      return outcome.errors.split(separator: "\n").map(String.init)
    }
    let lines = try await pull(names)
    let own = lines.filter { $0.hasPrefix("pulled \(registry.host)") }
    #expect(own.count == 2 && own.allSatisfy { !$0.contains("/s") && !$0.contains("worker") })
    let last = try #require(lines.last)
    #expect(last.hasPrefix("pulled 2 images: ") && last.contains("/s, "), "\(last)")
    #expect(try await pull(names).last?.hasPrefix("2 images are up to date (") == true)
    // A run of one image has one line.
    #expect(try await pull([names[0]]).allSatisfy { !$0.contains("image") })
  }

  @Test("a failure says what stays on disk, and that it is of use, as an interruption does")
  func leavesParts() async throws {
    let own = near.blobs.filter { $0.value == Content.bytes(90_000, seed: 3) }.map(\.key.hex)
    let registry = try FakeRegistry(near) { request in
      own.contains { request.target.contains($0) } ? .status(404) : nil
    }
    let whole = try await cairn("pull", "\(registry.host)/o/n:a", "--plain-http")
    #expect(whole.status == 0, "\(whole.errors)")
    let outcome = try await cairn("pull", "\(registry.host)/o/n:b", "--plain-http")
    #expect(outcome.status == 66)
    #expect(outcome.errors.contains(", with 68"), "\(outcome.errors)")
    #expect(outcome.errors.contains(" KiB of 77"), "\(outcome.errors)")
    #expect(outcome.errors.contains(" KiB on disk\nhint: run the same command again"))
  }

  @Test(
    "what makes no sense for several is said before anything is asked",
    arguments: [
      (["--output", "oci:/tmp/never"], "--output takes one image"),
      (["--trace", "/tmp/never"], "--trace takes images of one registry"),
    ])
  func refused(arguments: [String], words: String) async throws {
    let outcome = try await Command.finish(
      cairn.process(["pull", "127.0.0.1:1/x", "127.0.0.1:2/x"] + arguments))
    #expect(outcome.status == 64 && outcome.errors.hasPrefix("cairn: \(words)\n"))
    let empty = try await cairn("pull", "--from", "/dev/null")
    #expect(empty.status == 64 && empty.errors.contains("no image is named"))
  }
}
