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

  @Test("keys that somebody knows are found in any case, once")
  func folds() throws {
    let table = try read("Blocked = 1\nOther = 2\nlocation = 3")
    let folded = try table.folded(to: ["blocked", "location"])
    #expect(folded.keys == ["blocked", "Other", "location"] && folded.line(of: "blocked") == 1)
    let twice = try read("Blocked = 1\nblocked = 2")
    let error = #expect(throws: TOMLTable.Twice.self) { try twice.folded(to: ["blocked"]) }
    #expect(error?.key == "blocked")
  }

  @Test("tables and keys have the lines that they stand on")
  func knowsLines() throws {
    let text =
      "# one\na = 1\n\n[b]\n'c.d'.e = \"\"\"\n\n\"\"\"\n[ x . y ] # z\r\nf = { g = [\n1 ], h = 2 }\n[[t]]\ni = 1\n[[t]]\ni = 2"
    let table = try read(text)
    let (b, y) = (table["b"]?.table, table["x"]?.table?["y"]?.table)
    #expect(table.keys.map { table.line(of: $0) } == [2, 4, 8, 11])
    #expect(b?.line(of: "c.d") == 5)
    #expect(b?["c.d"]?.table?.line(of: "e") == 5)
    #expect(table["x"]?.table?.line(of: "y") == 8)
    #expect(y?.line(of: "f") == 9)
    #expect(y?["f"]?.table?.line(of: "h") == 10)
    #expect(table["t"]?.array?.map { $0.table?.line(of: "i") } == [12, 14])
    #expect(table.line(of: "z") == nil)
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
      ("[a]]", 1), ("[]", 1), ("= 1", 1), ("a", 1), ("a =", 1), ("a = [1,\n", 1),
      ("a = \"\"\"x\n\n", 1), ("\n[a\n", 2), ("a = \"", 1), ("a = \"\\q\"", 1),
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
    "a document has as many tables and keys as it likes",
    arguments: [
      "[[a]]\nb = 1\n", "[a.#]\nb = 1\n", "[[a]]\n[[a.b]]\n", "a#.b.c = { d.e = 1, d.f = 2 }\n",
    ])
  func manyTables(text: String) throws {
    let document = (0..<20_000).map { text.replacing("#", with: "\($0)") }.joined()
    #expect(try !read(document).keys.isEmpty)
  }

  @Test(
    "what is whole where it ends takes nothing from later lines, and heads are one kind or the other",
    arguments: [
      ("a = { b = 1 }\na.c = 2", 2, nil), ("a = { b = 1 }\n[a]", 2, nil),
      ("a = { b = 1 }\n[a.c]", 2, nil), ("a = [{}]\n[[a]]", 2, nil),
      ("a = [{}]\n[a.b]", 2, nil), ("[a]\nb = 1\n[[a]]", 3, nil), ("[[a]]\n[a]", 2, ["a"]),
      ("[a.b]\n[a]\n[a]", 3, ["a"]), ("[a]\nb.c = 1\nb.c = 2", 3, ["a", "b", "c"]),
      ("[a.b]\nc = 1\n[a]\nb = 2", 4, ["a", "b"]), ("a = { b.c = 1, b.c = 2 }", 1, nil),
    ] as [(String, Int, [String]?)])
  func refusesAdditions(text: String, line: Int, twice: [String]?) {
    let error = #expect(throws: TOMLReader.Invalid.self) { try read(text) }
    #expect(error == TOMLReader.Invalid(line: line, twice: twice))
  }

  @Test(
    "strings have no long runs of marks, however they are written",
    arguments: ["\"#\"", "\"\"\"#\"\"\"", "'@'", "'\'\'@'\'\'"])
  func boundsMarks(form: String) throws {
    let value = form.replacing("#", with: String(repeating: "\\u0301\\u0323", count: 100))
      .replacing("@", with: String(repeating: "\u{301}\u{323}", count: 100))
    #expect(try read("a = \(value)")["a"]?.string?.unicodeScalars.count == 30)
  }

  @Test("tables of each element of an array are its own")
  func headsOfElements() throws {
    let table = try read("[[t]]\n[t.u]\na = 1\n[[t]]\n[t.u]\na = 2\n[[t.v]]\n[[t.v]]\nb = 3")
    let tables = try #require(table["t"]?.array)
    #expect(tables.map { $0.table?["u"]?.table?["a"]?.other } == ["1", "2"])
    #expect(tables.map { $0.table?["v"]?.array?.count } == [nil, 2])
  }
}
