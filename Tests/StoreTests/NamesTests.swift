import FoundationEssentials
import OCI
import Support
import Testing

@testable import Store

/// Which entries of a name live beside each other.
@Suite("Names in the index")
struct NamesTests {
  /// An entry: `linux/arm64`, `all`, or `none`.
  static func entry(_ what: String, _ number: Int, pulled: Int = 0) throws -> Descriptor {
    var entry = Descriptor(
      mediaType: what == "all" ? .ociIndex : .ociManifest,
      digest: try Digest.of(Array("\(number)".utf8)), size: 1)
    if what.contains("/") {
      let parts = what.split(separator: "@")
      entry.platform = try Platform(String(parts[0]))
      entry.platform?.osVersion = parts.dropFirst().first.map(String.init)
    }
    entry.annotations = [LayoutIndex.pulledKey: "\(pulled)"]
    return entry
  }

  /// Numbers of the entries of the name `n`: that which has it first, then the others.
  static func numbers(_ index: LayoutIndex) throws -> [Int] {
    let numbers = try Dictionary(
      uniqueKeysWithValues: (0..<20).map { (try Digest.of(Array("\($0)".utf8)), $0) })
    let own = index["n"].map(\.digest)
    let held = index.manifests.filter { $0.annotations?[LayoutIndex.heldKey] == "n" }
      .map(\.digest)
    return ([own].compactMap { $0 } + held).compactMap { numbers[$0] }
  }

  @Test(
    "what was pulled last has the name; other platforms stay, what it succeeds goes",
    arguments: [
      (["linux/amd64", "linux/arm64"], [1, 0]),
      (["linux/amd64", "linux/amd64"], [1]),
      (["linux/amd64", "linux/arm64", "linux/amd64"], [2, 1]),
      (["linux/arm/v6", "linux/arm/v7", "linux/arm64/v8"], [2, 0, 1]),
      (["linux/arm64", "linux/arm64/v8"], [1]),
      (["windows/amd64@10.0.17763.1", "windows/amd64@10.0.17763.2"], [1]),
      (["windows/amd64@10.0.17763.1", "windows/amd64@10.0.20348.1"], [1, 0]),
      (["linux/amd64", "all"], [1]), (["all", "linux/amd64"], [1, 0]),
      (["all", "all"], [1]), (["all", "linux/amd64", "all"], [2]),
      (["none", "linux/amd64"], [1]), (["linux/amd64", "none"], [1]), (["none", "none"], [1]),
    ])
  func places(pulls: [String], left: [Int]) throws {
    var index = LayoutIndex()
    try index.place("other", Self.entry("linux/s390x", 19))
    for (number, what) in pulls.enumerated() {
      try index.place("n", Self.entry(what, number, pulled: number))
    }
    #expect(try Self.numbers(index) == left)
    #expect(index["other"]?.digest == (try Self.entry("none", 19)).digest)
    let again = try #require(LayoutIndex(json: try index.encoded()))
    #expect(try Self.numbers(again) == left)
    // Only one entry has the name.
    #expect(index.manifests.count { $0.annotations?[LayoutIndex.nameKey] == "n" } == 1)
  }

  @Test("the same image pulled again is there once, whether it had the name or not")
  func pullsAgain() throws {
    var index = LayoutIndex()
    for number in [0, 1, 0, 0, 1, 0] {
      try index.place("n", Self.entry(number == 0 ? "linux/amd64" : "linux/arm64", number))
    }
    #expect(try Self.numbers(index) == [0, 1])
  }

  @Test(
    "pulled by its digest an image keeps its index's words, but not the index that it was chosen from"
  )
  func keepsWords() throws {
    var index = LayoutIndex()
    var known = try Self.entry("windows/amd64@10.0.17763.1", 0)
    known.annotations?["a"] = "b"
    known.annotations?[LayoutIndex.indexKey] = "\(try Digest.of([1]))"
    try index.place("n", known)
    try index.place("n", Self.entry("windows/amd64", 0, pulled: 7))
    #expect(index["n"]?.platform?.osVersion == "10.0.17763.1")
    #expect(index["n"]?.annotations?["a"] == "b")
    #expect(index["n"]?.annotations?[LayoutIndex.pulledKey] == "7")
    #expect(index["n"]?.annotations?[LayoutIndex.indexKey] == nil)
  }

  @Test(
    "a name that nobody has any more goes to what was pulled last", arguments: [[0], [0, 2], [1]])
  func restores(removed: [Int]) throws {
    var index = LayoutIndex()
    for (number, what) in ["linux/arm64", "linux/s390x", "linux/amd64"].enumerated() {
      try index.place("n", Self.entry(what, number, pulled: number))
    }
    let doomed = try removed.map { try Self.entry("none", $0).digest }
    index.remove { doomed.contains($0.digest) }
    index.restoreNames()
    let left = [2, 1, 0].filter { !removed.contains($0) }
    #expect(try Self.numbers(index).first == left.first)
    #expect(try Set(Self.numbers(index)) == Set(left))
  }

  @Test("what is fetched once more is called what it was called before, with its index's words")
  func renews() throws {
    var index = LayoutIndex()
    var first = try Self.entry("linux/amd64", 0)
    first.annotations?[LayoutIndex.indexKey] = "\(try Digest.of([1]))"
    try index.place("n", first)
    try index.place("n", Self.entry("linux/arm64", 1))
    try index.renew("n", Self.entry("linux/amd64", 0, pulled: 9))
    #expect(try Self.numbers(index) == [1, 0])
    let held = try #require(index.manifests.first { $0.digest == first.digest })
    #expect(held.annotations?[LayoutIndex.indexKey] != nil)
    #expect(held.annotations?[LayoutIndex.pulledKey] == "9")
    // A twin that is written in other words by now takes its place.
    try index.renew("n", Self.entry("linux/arm64", 2))
    #expect(try Self.numbers(index) == [2, 0])
  }

  /// The index with an entry of another digest beside one of ours, whose annotations were copied to it.
  private static func repacked(_ index: LayoutIndex, _ name: String) throws -> LayoutIndex {
    var tree = try #require(JSONTree(index.encoded()))
    var entries = tree["manifests"]?.elements ?? []
    var copy = try #require(entries.first)
    copy["digest"] = JSONTree(string: "\(try Digest.of([77]))")
    var notes = try #require(copy["annotations"])
    notes[LayoutIndex.nameKey] = JSONTree(string: name)
    copy["annotations"] = notes
    entries.append(copy)
    tree["manifests"] = .array(entries)
    return try #require(LayoutIndex(json: tree.data))
  }

  @Test("what another tool copied of our notes to an entry of its own says nothing of that")
  func copiedNotes() throws {
    var index = LayoutIndex()
    var first = try Self.entry("linux/amd64", 0, pulled: 9)
    first.annotations?[LayoutIndex.indexKey] = "\(try Digest.of([1]))"
    first.annotations?[LayoutIndex.sourceKey] = "\(try Digest.of([2]))"
    first.annotations?["a"] = "b"
    try index.place("n", first)
    index = try Self.repacked(index, "mine")
    let folder = try TemporaryFolder()
    let store = try ContentStore(root: folder("store"))
    try writeFile(store.root + "/index.json", index.encoded())
    let images = try StoreMaintenance(store: store).images()
    #expect(images.map(\.name) == ["mine", "n"])
    let other = try Digest.of([77])
    #expect(images[0].resolvedDigest == other && images[0].sourceDigest == other)
    #expect(images[0].platformDigest == nil && images[0].pulled == 0)
    #expect(images[1].resolvedDigest == (try Digest.of([1])))
    #expect(images[1].platformDigest == (try Digest.of([2])) && images[1].pulled == 9)
    // Pulled for another platform under the name, its name stays at it, and its notes are its own again.
    try index.place("mine", Self.entry("linux/arm64", 1))
    let held = try #require(index.manifests.first { $0.digest == other })
    #expect(held.note(LayoutIndex.heldKey) == "mine" && held.note(LayoutIndex.indexKey) == nil)
    #expect(held.annotations?["a"] == "b")
    #expect(LayoutIndex.names(json: try index.encoded()) == ["mine", "n"])
  }

  @Test("notes of an older version, without the mark whose they are, count")
  func unmarkedNotes() throws {
    var entry = try Self.entry("linux/amd64", 0, pulled: 9)
    #expect(entry.note(LayoutIndex.pulledKey) == "9")
    entry.annotations?[LayoutIndex.ownerKey] = "\(try Digest.of([5]))"
    #expect(entry.note(LayoutIndex.pulledKey) == nil)
  }

  @Test(
    "an image that the registry has another one of by now keeps nothing of the old one's origin")
  func renewedOrigin() throws {
    var index = LayoutIndex()
    var first = try Self.entry("linux/amd64", 0)
    first.annotations?[LayoutIndex.indexKey] = "\(try Digest.of([1]))"
    try index.place("n", first)
    try index.renew("n", Self.entry("linux/amd64", 3))
    #expect(index["n"]?.note(LayoutIndex.indexKey) == nil)
  }

  @Test(
    "names that only look the same are two",
    arguments: [("café", "cafe\u{301}"), ("K", "\u{212A}")])
  func canonical(one: String, other: String) throws {
    var index = LayoutIndex()
    try index.set(one, Self.entry("linux/amd64", 0))
    #expect(!index.hasName(other) && index[other] == nil)
    try index.place(other, Self.entry("linux/amd64", 1))
    try index.renew(other, Self.entry("linux/amd64", 2))
    #expect(try index[one]?.digest == Self.entry("", 0).digest && index.entries.count == 2)
    #expect(LayoutIndex.names(json: try index.encoded()).count == 2)
    index.rewrite(one) { _ in nil }
    #expect(index.hasName(other) && index.entries.count == 1)
    // Of one image, too.
    try index.set(one, Self.entry("linux/amd64", 2))
    try index.set(other, Self.entry("linux/amd64", 2))
    let doomed = Set([index[one]].compactMap(\.self))
    index.remove(where: doomed.contains)
    #expect(doomed.count == 1 && index.hasName(other) && !index.hasName(one))
  }

  @Test("entries of others under the same name, that cannot be read, give way")
  func unreadable() throws {
    let text =
      #"{"manifests":[{"digest":7,"annotations":{"org.opencontainers.image.ref.name":"n"}},{"digest":8,"annotations":{"dev.cairn.name":"n","x":"y"}},null]}"#
    var index = try #require(LayoutIndex(json: Data(text.utf8)))
    try index.place("n", Self.entry("linux/amd64", 0))
    #expect(try Self.numbers(index) == [0] && index.entries.count == 2)
  }

  @Test(
    "names are looked up alone: each once, sorted, also of entries that cannot be read",
    arguments: [
      (#"{"manifests":[]}"#, []), ("", []), ("[]", []), ("{}", []), (#"{"manifests":null}"#, []),
      (#"{"manifests":[1,null,{},{"annotations":[]},{"annotations":{"x":"y"}}]}"#, []),
      (
        #"{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"b"}},{"annotations":{"dev.cairn.name":"a"}}]}"#,
        ["a", "b"]
      ),
      (
        #"{"manifests":[{"annotations":{"dev.cairn.name":"a"}},{"annotations":{"org.opencontainers.image.ref.name":"a"}}]}"#,
        ["a"]
      ),
      (#"{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":7}}]}"#, []),
    ] as [(String, [String])])
  func namesAlone(json: String, names: [String]) {
    #expect(LayoutIndex.names(json: Data(json.utf8)) == names)
  }
}
