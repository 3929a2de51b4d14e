import Foundation
import Support
import Testing

@testable import cairn

/// Tables that programs read.
@Suite("Tables of figures", .timeLimit(.minutes(10)))
struct FigureTableTests {
  @Test("what is not known is no number in any form")
  func unknownFigures() throws {
    var table = Table(columns: ["a", "b"])
    table.rows = [[.number(1, digits: 0), .number(.nan, digits: 3)]]
    #expect(try table.text(.text) == "a  b\n1  -\n")
    #expect(try table.text(.csv) == "a,b\n1,\n")
    #expect(try table.text(.json).filter { !$0.isWhitespace } == #"[{"a":1,"b":null}]"#)
  }

  @Test(
    "no text of a CSV table begins like a formula, in whichever program",
    arguments: [
      ("plain name.1", "plain name.1"), ("a=b", "a=b"), ("mail@home", "mail@home"),
      ("=1+1", "\"'=1+1\""), ("+1", "\"'+1\""), ("-1", "\"'-1\""), ("@SUM(1)", "\"'@SUM(1)\""),
      ("  =1", "\"  '=1\""), ("\t=1", "\"'\t'=1\""), ("a;=1", "\"a;'=1\""), ("a,=1", "\"a,'=1\""),
      ("\"=1", "\"\"\"'=1\""), ("x\"; @y", "\"x\"\"; '@y\""), ("＝1", "\"'＝1\""),
      ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""), ("a|-b", "\"a|'-b\""),
      ("it's", "\"it's\""),
    ])
  func csv(name: String, cell: String) async throws {
    let cairn = try Command()
    let model = cairn.folder("model.json")
    try JSONSerialization.data(
      withJSONObject: [
        "name": name, "about": "-", "bandwidthMbit": 100, "roundTripMs": 10, "bufferKiB": 1024,
      ]
    ).write(to: URL(filePath: model))
    let models = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "models").path
    let outcome = try await cairn(
      "simulate", "--model", model, "--models", models, "--image", "one-big", "--workers", "2",
      "--by", "link", "--format", "csv")
    let cells = outcome.output.split(separator: "\n").dropFirst()
    #expect(!cells.isEmpty, "\(outcome.errors)")
    for line in cells { #expect(line.contains(cell), "\(line)") }
  }

  @Test("figures that are infinite are null in JSON")
  func infinite() async throws {
    let cairn = try Command()
    let outcome = try await cairn(
      "simulate", "--model", "mobile-2", "--image", "large-3g", "--workers", "3", "--format",
      "json")
    #expect(outcome.status == 0 && outcome.output.contains(":null"), "\(outcome.errors)")
    #expect(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) is [[String: Any]])
  }

  @Test("where nothing was learned of what was asked for, that is what is said")
  func nothingLearned() async throws {
    let cairn = try Command()
    let outcome = try await cairn("tune", "--registry", "nosuch", "--machine", "m")
    #expect(outcome.output == "nothing was learned of nosuch on m yet\n")
    #expect(try await cairn("tune").output.hasPrefix("nothing was learned yet; every"))
  }
}
