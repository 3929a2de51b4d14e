import Testing

@testable import TOML

@Suite("TOML")
struct TOMLReaderTests {
  private func read(_ text: String) throws -> TOMLTable { try TOMLReader.read(text) }

  @Test("tables keep the order of their keys")
  func keepsOrder() throws {
    let table = try read("[host.\"z\"]\n[host.b]\nx.y = 1\n[host.'a.b']\n")
    let hosts = try #require(table["host"]?.table)
    #expect(hosts.keys == ["z", "b", "a.b"])
    #expect(hosts["b"]?.table?["x"]?.table?["y"] == .other("1"))
  }

  @Test("tables and keys have the lines that they stand on")
  func knowsLines() throws {
    let text = "# one\na = 1\n\n[b]\n'c.d'.e = \"\"\"\n\n\"\"\"\n[ x . y ] # z\r\nf = { g = 1 }\n"
    let lines = try TOMLReader.document(text).lines
    #expect(
      lines == [["a"]: 2, ["b"]: 4, ["b", "c.d", "e"]: 5, ["x", "y"]: 8, ["x", "y", "f"]: 9])
  }

  @Test(
    "values are what they say",
    arguments: [
      (#""a\tb\u00e9\"""#, .string("a\tb\u{e9}\"")), ("'a\\b'", .string("a\\b")),
      ("true", .boolean(true)), ("false # not", .boolean(false)),
      ("-1_000.5e3", .other("-1_000.5e3")),
      ("1979-05-27 07:32:00Z", .other("1979-05-27 07:32:00Z")), ("inf", .other("inf")),
      ("[]", .array([])),
      ("[ \"a\", # one\n  'b',\n]", .array([.string("a"), .string("b")])),
      ("\"\"\"\nx \\\n   y\"\"\"", .string("x y")), ("\'\'\'a\nb\'\'\'\'", .string("a\nb\'")),
      ("[[true], [{}]]", .array([.array([.boolean(true)]), .array([.table(TOMLTable())])])),
    ] as [(String, TOMLValue)])
  func readsValues(text: String, expected: TOMLValue) throws {
    #expect(try read("key = \(text)\r\nlast = true")["key"] == expected)
  }

  @Test("inline tables and arrays of tables are tables")
  func readsTables() throws {
    let table = try read(
      "a = { b.c = true, \"d\" = 'e' }\n[[t]]\nx = true\n[[t]]\n[t.u]\ny = false")
    #expect(table["a"]?.table?["b"]?.table?["c"] == .boolean(true))
    #expect(table["a"]?.table?["d"] == .string("e"))
    let tables = try #require(table["t"]?.array)
    #expect(tables.count == 2)
    #expect(tables[0].table?["x"] == .boolean(true))
    #expect(tables[1].table?["u"]?.table?["y"] == .boolean(false))
  }

  @Test(
    "what is no TOML says in which line",
    arguments: [
      ("a = 1\na = 2", 2), ("[a]\n[a]", 2), ("a = 1\n\n[a]", 3), ("a.b = 1\na = 2", 2), ("[", 1),
      ("[a", 1),
      ("[a]]", 1), ("[]", 1), ("= 1", 1), ("a", 1), ("a =", 1), ("a = \"", 1), ("a = \"\\q\"", 1),
      ("a = 'x\n'", 1), ("a = \"\"\"x", 1), ("a = [1,\n2", 2), ("a = {b = 1", 1),
      ("a = {b = 1,}", 1),
      ("a = yes", 1), ("a = 1 b = 2", 1), ("a = \"\\ud800\"", 1), ("a = [}full\"]", 1),
      ("[`ost]", 1),
    ] as [(String, Int)])
  func refuses(text: String, line: Int) {
    let error = #expect(throws: TOMLReader.Invalid.self) { try read(text) }
    #expect(error?.line == line)
  }

  @Test("documents cannot exhaust the stack")
  func isShallow() {
    let many = 100_000
    for text in [
      "a = " + String(repeating: "[", count: many),
      "a" + String(repeating: ".a", count: many) + " = 1",
      "[a" + String(repeating: ".a", count: many) + "]",
    ] {
      #expect(throws: TOMLReader.Invalid.self) { try read(text) }
    }
  }

  @Test(
    "a document has so many tables and no more",
    arguments: ["[[a]]\nb = 1\n", "[a.#]\nb = 1\n", "[[a]]\n[[a.b]]\n"])
  func manyTables(text: String) {
    func document(_ count: Int) -> String {
      (0..<count).map { text.replacing("#", with: "\($0)") }.joined()
    }
    #expect(throws: Never.self) { try TOMLReader.read(document(1_000)) }
    #expect(throws: TOMLReader.Invalid.self) { try TOMLReader.read(document(2_001)) }
  }
}
