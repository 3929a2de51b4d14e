import FoundationEssentials
import Testing
import Transfer

@testable import Registry

/// Pages of a list of tags, well and ill meant.
@Suite("Pages of tags")
struct TagPagesTests {
  func read(_ body: String, _ links: [String] = []) -> TagPages.Page? {
    TagPages.Page(Data(body.utf8), HTTPFields(links.map { ("Link", $0) }))
  }

  @Test(
    "of the link that is called next only what stands behind the list's path is taken, and its query",
    arguments: [
      (#"</v2/o/n/tags/list?last=b&n=2>; rel="next""#, "?last=b&n=2"),
      (#"<https://r.example/v2/o/n/tags/list?last=b>; rel=next"#, "?last=b"),
      (#"<?next_page=gAAA%3D>; REL="NEXT""#, "?next_page=gAAA%3D"),
      (#"</a?x=1>; rel="prev", </a?x=2>; rel="next""#, "?x=2"),
      (#"</a?x=1>; rel="prev",</a?x=2>;title="t"; rel="next""#, "?x=2"),
      (#"</a?x=1,2>; rel="next""#, "?x=1,2"), (#"</a?x=1;2>; rel="next""#, "?x=1;2"),
      (#"<http://evil.example/steal?last=b#f>; rel="next""#, "?last=b"),
      (#"<//evil.example/v2/x?last=b>; rel="next""#, "?last=b"),
      (#"</a?ns=evil.example&last=b>; rel="next""#, "?last=b"),
      (#"</a?x=a b&n=1>; rel="next""#, "?x=a%20b&n=1"), (#"</a?x=1>; rel="last""#, nil),
      // As some servers have it [heroku/docker-registry-client#11; RFC 8288, section 3.3].
      (#"</a?x=1>"#, "?x=1"), (#"</a?x=1>; title="t""#, "?x=1"),
      (#"</a?x=1>; rel='next'"#, "?x=1"), (#"</a?x=1>; rel="last next""#, "?x=1"),
      (#"/a?x=1; rel="next""#, "?x=1"), ("/a?x=1", "?x=1"), (#"/a?x=1 ; rel=prev"#, nil),
      (#"</a?x=1>; rel="nextish""#, nil),
      // What is quoted separates nothing.
      (#"</a?x=1>; title="x;rel=prev"; rel="next""#, "?x=1"),
      (#"</a?x=1>; title="a, <b>; rel=prev"; rel="next""#, "?x=1"),
      (#"</a?x=1>; title="\"; rel=prev; \""; rel="next""#, "?x=1"),
      // Bytes that no URL has are written as URLs write them.
      ("</a?x=\u{FC}&y=a\u{A0}b>; rel=next", "?x=%C3%BC&y=a%C2%A0b"),
      ("</a?\u{301}x=1>", "?%CC%81x=1"), (#"</a?x={a}|b>; rel=next"#, "?x=%7Ba%7D%7Cb"),
      ("</v2/o/n/tags/list/\u{E9}; rel=next", "/%C3%A9"),
      // A page may be a path.
      (#"</v2/o/n/tags/list/page2>; rel="next""#, "/page2"),
      (#"<https://evil.example/v2/x/tags/list/page/2?x=1>; rel="next""#, "/page/2?x=1"),
      (#"</v2/o/n/tags/list/?last=a>; rel="next""#, "?last=a"),
      (#"</v2/o/n/tags/list>; rel="next""#, ""),
      (#"</v2/o/n/tags/list?ns=evil.example>; rel="next""#, ""),
      (#"</v2/o/n/tags/list?n%73=evil.example&%6e%53=a&last=b>; rel="next""#, "?%6e%53=a&last=b"),
      (
        "</a?\(String(repeating: "x", count: 12_000))>; rel=\"next\"",
        "?\(String(repeating: "x", count: 12_000))"
      ),
      ("", nil), ("<", nil), (">", nil), (#"rel="next""#, nil), ("</styles.css>", nil),
      (String(repeating: "<", count: 20_000), nil),
    ])
  func links(link: String, next: String?) throws {
    let found = try #require(read(#"{"tags":["a"]}"#, [link])).next
    #expect(found == next.map { .behind($0) })
  }

  @Test(
    "a next page that is not gone to costs the list: it is not whole",
    arguments: [
      (#"</a>; rel="next""#, "is to no list"), (#"</a?>; rel="next""#, "is to no list"),
      (#"</a?ns=evil.example>; rel="next""#, "is to no list"),
      (#"</v2/o/n/tags/list/../../x>; rel="next""#, "leads out of the list"),
      (#"</v2/o/n/tags/list/%2E%2e/x?last=a>; rel="next""#, "leads out of the list"),
      (#"</v2/o/n/tags/list/..\..\other>; rel="next""#, "leads out of the list"),
      ("</a?x=\u{1}>; rel=next", "no URL has"), ("</a?x=\u{FFFD}>; rel=next", "no URL has"),
      ("</a?x=\u{7F}>", "no URL has"),
      (#"</v2/o/n/tags/list/..%2F..%2fother>; rel="next""#, "leads out of the list"),
      (#"</v2/o/n/tags/list/%2e%2e%5C..%5cother?n=1>; rel="next""#, "leads out of the list"),
      ("</a?\(String(repeating: "x", count: 20_000))>; rel=\"next\"", "more than 16384 bytes"),
    ])
  func lostLinks(link: String, words: String) throws {
    var pages = TagPages()
    let reason = pages.take(try #require(read(#"{"tags":["a"]}"#, [link])))
    #expect(reason?.contains(words) == true, "\(reason ?? "none")")
  }

  @Test(
    "names are what is a string in the list, as the registry orders them",
    arguments: [
      (#"{"name":"n","tags":["b","a","c"]}"#, ["b", "a", "c"]),
      (#"{"name":"n","tags":null}"#, []), (#"{"name":"n"}"#, []), (#"{"tags":[]}"#, []),
      (#"{"name":"n","tags":["a",7,null,{"x":1},"b"]}"#, ["a", "b"]),
      (#"{"Name":"n","Tags":["a"]}"#, ["a"]),
      (#"{"TAGS":["x"],"tags":["a"],"Tags":["y"]}"#, ["a"]), (#"{"tags":[],"tags":["a"]}"#, []),
      (#"{"Tags":["x"],"TAGS":["a"]}"#, ["a"]), (#"{"t\u0061gs":["\u0061"]}"#, ["a"]),
      ("\u{FEFF}" + #"{"tags":["a"]}"#, ["a"]),
    ] as [(String, [String])])
  func names(body: String, names: [String]) throws {
    #expect(try #require(read(body)).names == names)
  }

  @Test(
    "what is no name is counted, but for null in the place of all of them",
    arguments: [
      (#"{"name":"n","tags":["a",7,null,{"x":1},["y"],"b"]}"#, 4),
      (#"{"name":"n","tags":[{"name":"a"},{"name":"b"}]}"#, 2),
      (#"{"tags":null}"#, 0), (#"{"tags":[]}"#, 0),
      (#"{"Tags":[7],"tags":["a"]}"#, 0),
    ])
  func others(body: String, count: Int) throws {
    var pages = TagPages()
    #expect(pages.take(try #require(read(body))) == nil)
    #expect(pages.list.passedOver == count)
  }

  @Test(
    "what is no list is none",
    arguments: [
      "", "[]", "7", "<html>", "{}", #"{"errors":[]}"#, #"{"name":"n","tags":"latest"}"#,
      #"{"tags":{"a":1}}"#, #"{"tags":["#,
    ])
  func noList(body: String) { #expect(read(body) == nil) }

  @Test(
    "a list of more names than anybody has is given up, and nothing but names is kept of a page")
  func mostNames() throws {
    func page(_ repeated: String, _ count: Int) throws -> TagPages.Page {
      try #require(read(#"{"tags":[\#(String(repeating: repeated, count: count))1]}"#))
    }
    #expect(try page(#"{"":0},"#, 200_000).names.isEmpty)
    var pages = TagPages()
    #expect(pages.take(try page(#""","#, 100_000)) == nil && pages.list.passedOver == 2)
    let many = try page(#""","#, TagPages.nameLimit + 5)
    #expect(many.names.count == TagPages.nameLimit + 1)
    #expect(pages.take(many) == "it has more than 1048576 names")
  }

  @Test("no name hides a tag that only looks the same: K and the sign of kelvin")
  func looks() throws {
    var pages = TagPages()
    #expect(pages.take(try #require(read("{\"tags\":[\"\u{212A}\",\"K\"]}"))) == nil)
    #expect(pages.list.tags == ["K"] && pages.list.passedOver == 1)
  }

  @Test("names that are no tags are counted, and each tag is there once")
  func tags() throws {
    var pages = TagPages()
    let odd = try #require(
      read(#"{"tags":["1.0","a\nb","\u001b[2J","","x/y","-x","a b","1.0","_x","v@1"]}"#))
    #expect(pages.take(odd) == nil && pages.next == nil)
    #expect(pages.list == .init(tags: ["1.0", "_x"], passedOver: 7))
  }

  @Test("pages without an end are given up: the same one again, or nothing new")
  func endless() throws {
    // Pages of what this caller may not see are empty, and followed by others (as filtered lists are).
    var filtered = TagPages()
    for number in 0..<TagPages.emptyLimit {
      #expect(
        filtered.take(try #require(read(#"{"tags":[]}"#, ["</a?n=\(number)>; rel=\"next\""])))
          == nil)
    }
    #expect(
      filtered.take(try #require(read(#"{"tags":["z"]}"#))) == nil && filtered.list.tags == ["z"])
    var circle = TagPages()
    func page(_ name: String, _ link: String) throws -> TagPages.Page {
      try #require(read("{\"tags\":[\"\(name)\"]}", ["</a?last=\(link)>; rel=next"]))
    }
    #expect(circle.take(try page("a", "a")) == nil && circle.next == "?last=a")
    #expect(circle.take(try page("b", "b")) == nil && circle.next == "?last=b")
    #expect(circle.take(try page("c", "a")) == "its pages lead in a circle")
    var stale = TagPages()
    var complaint: String?
    for number in 0..<99 where complaint == nil {
      complaint = stale.take(try page("a", "\(number)"))
    }
    #expect(complaint == "21 pages in a row bring nothing new")
    var many = TagPages()
    var taken = 0
    while taken < 20_000 {
      taken += 1
      let page = try #require(
        read("{\"tags\":[\"t\(taken)\"]}", ["</a?last=\(taken)>; rel=next"]))
      if many.take(page) != nil { break }
    }
    #expect(taken == TagPages.fullPages)
  }

  @Test("a list of very many pages goes on for as long as they are worth their requests")
  func fullPages() throws {
    var pages = TagPages()
    var (taken, complaint) = (0, String?.none)
    while complaint == nil {
      taken += 1
      let names = (0..<TagPages.leastNames).map { "\"t\(taken)-\($0)\"" }.joined(separator: ",")
      let page = try #require(read("{\"tags\":[\(names)]}", ["</a?last=\(taken)>; rel=next"]))
      complaint = pages.take(page)
    }
    #expect(taken == TagPages.pageLimit && complaint == "it has more than 10000 pages")
  }

  @Test(
    "a page that names itself as the next, and brings nothing new, is the last",
    arguments: [#"{"tags":[]}"#, #"{"tags":["a"]}"#])
  func namesItself(body: String) throws {
    var pages = TagPages()
    let link = ["</a?last=a>; rel=next"]
    #expect(pages.take(try #require(read(#"{"tags":["a"]}"#, link))) == nil)
    #expect(pages.next == "?last=a" && !pages.list.endsInItself)
    #expect(pages.take(try #require(read(body, link))) == nil && pages.next == nil)
    #expect(pages.list == .init(tags: ["a"], endsInItself: true))
    // What it names may still be another page's beginning, as long as there is something new.
    var growing = TagPages()
    for name in ["a", "b", "c"] {
      #expect(growing.take(try #require(read("{\"tags\":[\"\(name)\"]}", link))) == nil)
      #expect(growing.next == "?last=a")
    }
  }

  @Test("a page that comes twice is not the end")
  func twice() throws {
    var pages = TagPages()
    for (tags, link) in [("a\",\"b", "b"), ("a\",\"b", "b2"), ("c", nil)] {
      let links = link.map { ["</a?last=\($0)>; rel=next"] } ?? []
      #expect(pages.take(try #require(read("{\"tags\":[\"\(tags)\"]}", links))) == nil)
    }
    #expect(pages.list == .init(tags: ["a", "b", "c"]))
  }

  @Test("names of too many bytes are given up")
  func large() throws {
    var pages = TagPages()
    var complaint: String?
    for number in 0..<80 where complaint == nil {
      let name = String(repeating: "x", count: 1 << 20) + "\(number)"
      let page = try #require(read("{\"tags\":[\"\(name)\"]}", ["</a?last=\(number)>; rel=next"]))
      complaint = pages.take(page)
    }
    #expect(complaint == "the names have more than 64 MiB")
  }
}
