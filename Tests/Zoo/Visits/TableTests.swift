import Foundation
import Testing

/// `docs/zoo.md` shows the zoo as it is.
@Suite("Zoo, table")
struct TableTests {
  private static let page = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "docs/zoo.md")

  /// A part of the page that is made here.
  struct Part: Sendable {
    var name: String
    var text: String

    var marks: (start: String, end: String) {
      ("<!-- the \(name) -->\n", "\n<!-- end of the \(name) -->")
    }
  }

  static let parts = [
    Part(name: "zoo", text: Zoo.table),
    Part(name: "threads", text: Zoo.threads),
  ]

  /// `CAIRN_WRITE_ZOO=1` writes them.
  @Test("the page's tables are those made from the animals and the reports")
  func pageTables() throws {
    var text = try String(contentsOf: Self.page, encoding: .utf8)
    for part in Self.parts {
      let start = try #require(text.range(of: part.marks.start)).upperBound
      let end = try #require(text.range(of: part.marks.end)).lowerBound
      if ProcessInfo.processInfo.environment["CAIRN_WRITE_ZOO"] != nil {
        text.replaceSubrange(start..<end, with: part.text)
        try text.write(to: Self.page, atomically: true, encoding: .utf8)
      } else {
        #expect(text[start..<end] == part.text)
      }
    }
  }

  @Test("threads of over fifty reports to other pullers are tried")
  func threads() { #expect(Zoo.threads.split(separator: "\n").count >= 2 + 50) }

  @Test("every fact has a source and words")
  func facts() throws {
    let facts = (Zoo.registries + Zoo.between + Report.all.map(\.animal)).flatMap(\.facts)
    #expect(facts.count > 80)
    for fact in facts {
      #expect(!fact.words.isEmpty && fact.source.hasPrefix("https://"), "\(fact.words)")
      #expect(URL(string: fact.source)?.host() != nil, "\(fact.words)")
    }
    let names = (Zoo.registries + Zoo.between).map(\.name)
    #expect(Set(names).count == names.count)
  }
}
