import Foundation
import Testing

/// `docs/zoo.md` shows the zoo as it is.
@Suite("Zoo, table")
struct TableTests {
  private static let page = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "docs/zoo.md")

  private static let marks = (start: "<!-- the zoo -->\n", end: "\n<!-- end of the zoo -->")

  /// `CAIRN_WRITE_ZOO=1` writes it.
  @Test("the page's table is the one made from the animals")
  func pageTable() throws {
    var text = try String(contentsOf: Self.page, encoding: .utf8)
    let start = try #require(text.range(of: Self.marks.start)).upperBound
    let end = try #require(text.range(of: Self.marks.end)).lowerBound
    if ProcessInfo.processInfo.environment["CAIRN_WRITE_ZOO"] != nil {
      text.replaceSubrange(start..<end, with: Zoo.table)
      try text.write(to: Self.page, atomically: true, encoding: .utf8)
    } else {
      #expect(text[start..<end] == Zoo.table)
    }
  }

  @Test("every fact has a source and words")
  func facts() throws {
    let reports = Report.statuses + Report.ranges + Report.auths + Report.mirrors + Report.wild
    let facts = (Zoo.registries + Zoo.between + reports.map(\.animal)).flatMap(\.facts)
    #expect(facts.count > 80)
    for fact in facts {
      #expect(!fact.words.isEmpty && fact.source.hasPrefix("https://"), "\(fact.words)")
      #expect(URL(string: fact.source)?.host() != nil, "\(fact.words)")
    }
    let names = (Zoo.registries + Zoo.between).map(\.name)
    #expect(Set(names).count == names.count)
  }
}
