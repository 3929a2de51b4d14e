import Foundation
import Testing

/// What the pages on security promise of the project itself.
@Suite("Security")
struct SecurityTests {
  static let root = ImportTests.sources.deletingLastPathComponent()

  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  /// Every test's source, in one text, and the cases of `tools/faults`.
  static func tests() throws -> String {
    let files = FileManager.default.enumerator(
      at: root.appending(path: "Tests"), includingPropertiesForKeys: nil)
    var found = try text("tools/cairnlab/faults/cases.py")
    for case let file as URL in files ?? .init() where file.pathExtension == "swift" {
      found += try String(contentsOf: file, encoding: .utf8)
    }
    return found
  }

  /// Suites and tests that a page names and nobody wrote.
  static func missing(in page: String, from tests: String) -> [String] {
    var missing: [String] = []
    for match in page.matches(of: /`([A-Za-z]+Tests)`/) {
      guard !tests.contains("struct \(match.1) ") else { continue }
      missing.append(String(match.1))
    }
    // Names of tests are in italics behind their suites, in lines of tables.
    for line in page.split(separator: "\n") where line.hasPrefix("|") && line.contains("Tests`: *")
    {
      for match in line.matches(of: /\*([^*]+)\*/) {
        // A page may leave out a test's end.
        let words = match.1.replacing("\\", with: "")
        if !tests.contains("\"\(words)"), !tests.contains(words) { missing.append(String(words)) }
      }
    }
    return missing
  }

  @Test(
    "every test that the pages on security name is there",
    arguments: ["SECURITY.md", "docs/design/faults.md"])
  func namesTests(page: String) throws {
    let text = try Self.text(page)
    #expect(text.matches(of: /Tests`/).count > 10)
    let missing = Self.missing(in: text, from: try Self.tests())
    #expect(missing.isEmpty, "\(missing)")
  }

  /// The promises of a page that name no test.
  static func untested(in page: String) -> [String] {
    let promises = page.components(separatedBy: "\n## ")[0].components(separatedBy: "\n- ")
      .dropFirst()
    return promises.filter { !$0.contains("Tests`") }
  }

  @Test("every promise names its tests")
  func promisesNameTests() throws {
    let untested = Self.untested(in: try Self.text("SECURITY.md"))
    #expect(untested.isEmpty, "\(untested)")
    #expect(Self.untested(in: "x\n- a (`ATests`)\n- b\n\n## c\n- d") == ["b\n"])
  }

  @Test("the search for tests finds what is not there")
  func findsMissing() {
    let tests = "@Suite struct SomeTests {\n @Test(\"all of it holds, always\")"
    let page =
      "a `SomeTests`, `OtherTests`\n| x | `SomeTests`: *all of it holds*, *nothing holds* |"
    #expect(Self.missing(in: page, from: tests) == ["OtherTests", "nothing holds"])
  }

  static var optimises: Regex<Substring> {
    /^\.unsafeFlags\(\["-O", "-assert-config", "Debug"\], \.when\(configuration: \.debug\)\)$/
  }

  /// Lines of dependencies that may bring something else tomorrow.
  static func loose(in manifest: String) -> [String] {
    manifest.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { line in
      let names = line.hasPrefix(".package(")
      let isExact = line.contains(/url: "https:\/\/[^"]+", exact: "\d+\.\d+\.\d+"/)
      let isForeign = [".binaryTarget(", ".plugin("].contains { line.contains($0) }
      // Flags can link and load anything; what optimises a debug build cannot.
      let brings = line.contains("unsafeFlags(") && !line.contains(Self.optimises)
      return names && !isExact || isForeign || brings
    }
  }

  @Test("dependencies have exact versions, and none is a binary or a plugin")
  func pins() throws {
    let manifest = try Self.text("Package.swift")
    #expect(manifest.contains("exact: \""))
    #expect(Self.loose(in: manifest).isEmpty, "\(Self.loose(in: manifest))")
  }

  @Test(
    "a version that is not exact is found",
    arguments: [
      #".package(url: "https://a.example/b", from: "1.0.0"),"#,
      #".package(url: "https://a.example/b", branch: "main"),"#,
      #".package(url: "https://a.example/b", "1.0.0"..<"2.0.0"),"#,
      #".package(url: "http://a.example/b", exact: "1.0.0"),"#, #".package(path: "../b"),"#,
      #".binaryTarget(name: "x", url: "y", checksum: "z"),"#, #"  .plugin(name: "x"),"#,
      #".unsafeFlags(["-O", "-Xlinker", "-la"]),"#,
    ])
  func findsLoose(line: String) { #expect(Self.loose(in: line).count == 1) }
}
