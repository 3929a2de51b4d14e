import OCI
import Testing

@Suite("Platform")
struct PlatformTests {
  @Test(
    "normalises names as containerd does",
    arguments: [
      ("linux/amd64", "linux/amd64"), ("linux/x86_64", "linux/amd64"),
      ("Linux/AARCH64", "linux/arm64"),
      ("linux/arm64/v8", "linux/arm64"), ("linux/arm", "linux/arm"),
      ("linux/arm/7", "linux/arm/v7"), ("linux/arm/x7", "linux/arm/x7"),
      ("linux/armhf", "linux/arm/v7"), ("linux/armel", "linux/arm/v6"), ("linux/i686", "linux/386"),
      ("linux/amd64/v1", "linux/amd64"), ("linux/amd64/v3", "linux/amd64/v3"),
      ("macos/arm64", "darwin/arm64"),
      // containerd's specifiers may be an architecture alone.
      ("amd64", "linux/amd64"), ("ARM64", "linux/arm64"), ("aarch64", "linux/arm64"),
      ("armhf", "linux/arm/v7"), ("386", "linux/386"), ("s390x", "linux/s390x"),
      ("Windows(10.0.17763)/x86_64", "windows(10.0.17763)/amd64"),
    ])
  func normalises(text: String, expected: String) throws {
    #expect(try Platform(text).description == expected)
  }

  @Test(
    "refuses what is no platform",
    arguments: [
      "", "linux", "linux/", "/amd64", "amd65", "windows", "v8", "a/b/c/d", "linux/am d64",
      "l\u{1B}/a", "windows()/amd64", "windows(10/amd64", "windows(1(2))/amd64", "(10)/amd64",
      "windows(10)",
    ])
  func refuses(text: String) {
    #expect(throws: OCIError.self) { try Platform(text) }
  }

  @Test(
    "chooses the best of an index",
    arguments: [
      ("linux/amd64", "linux/amd64"), ("linux/arm64", "linux/arm64"),
      ("linux/arm/v7", "linux/arm/v7"),
      ("linux/arm/v6", "linux/arm/v6"), ("linux/arm/v8", "linux/arm/v7"),
      ("linux/amd64/v3", "linux/amd64"),
      ("linux/arm", "linux/arm/v7"), ("linux/arm64/v9", "linux/arm64"),
    ])
  func chooses(wanted: String, expected: String) throws {
    let offered = [
      "linux/arm/v6", "linux/arm/v7", "linux/amd64", "linux/arm64/v8", "windows/amd64",
    ]
    let index = try indexDocument(platforms: offered)
    #expect(
      index.images(for: try Platform(wanted)).first?.platform.map { p in
        Platform(os: p.os, architecture: p.architecture, variant: p.variant).description
      } == expected)
  }

  @Test(
    "a version of the operating system is had by who says it, or more of it (containerd's platforms)",
    arguments: [
      ("windows(10.0.17763)/amd64", ["10.0.17763.5", nil]),
      ("windows/amd64", ["10.0.20348.1", nil, "10.0.17763.5"]),
      ("windows(10.0.20348.1)/amd64", ["10.0.20348.1", nil]), ("windows(10.0.1)/amd64", [nil]),
    ] as [(String, [String?])])
  func versions(wanted: String, expected: [String?]) throws {
    let named = try indexDocument(platforms: Array(repeating: "windows/amd64", count: 3))
    let entries = zip(named.manifests, ["10.0.20348.1", nil, "10.0.17763.5"]).map {
      (entry: Descriptor, version: String?) in
      var entry = entry
      entry.platform?.osVersion = version
      return entry
    }
    let index = Index(mediaType: named.mediaType, entries: entries)
    #expect(index.images(for: try Platform(wanted)).map { $0.platform?.osVersion } == expected)
  }

  @Test("finds nothing where nothing fits, and never an attestation")
  func findsNothing() throws {
    let index = try indexDocument(platforms: ["linux/arm/v7", "unknown/unknown"])
    #expect(index.images(for: try Platform("linux/amd64")).isEmpty)
    #expect(index.images(for: try Platform("linux/arm/v6")).isEmpty)
    #expect(index.images(for: try Platform("unknown/unknown")).isEmpty)
    #expect(index.platforms.map(\.description) == ["linux/arm/v7"])
  }

  @Test("what else a processor runs, best first (moby#52751, containerd#4932)")
  func substitutes() throws {
    let amd64 = Platform(os: "linux", architecture: "amd64")
    #expect(amd64.substitutes(level: 3).map(\.description) == ["linux/amd64/v3", "linux/386"])
    #expect(amd64.substitutes(level: 1).map(\.description) == ["linux/386"])
    #expect(try Platform("linux/arm64").substitutes(level: 1) == [Platform("linux/arm/v8")])
    #expect(try Platform("linux/s390x").substitutes(level: 1).isEmpty)
  }
}
