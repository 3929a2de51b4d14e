import Testing

@testable import Serve

struct PlaceTests {
  @Test(
    "where one listens",
    arguments: [
      ("127.0.0.1:5151", .network(host: "127.0.0.1", port: 5151)),
      ("[::1]:80", .network(host: "::1", port: 80)), ("node1:0", .network(host: "node1", port: 0)),
      ("unix:/run/x.sock", .path("/run/x.sock")), ("unix:x:y", .path("x:y")), ("127.0.0.1", nil),
      (":5151", nil), ("::1:5151", nil), ("a:65536", nil), ("a:-1", nil), ("a:", nil), ("", nil),
      ("unix:", nil), ("unix:" + String(repeating: "x", count: 200), nil),
    ] as [(String, ListenPlace?)])
  func listens(text: String, place: ListenPlace?) { #expect(ListenPlace(text) == place) }

  @Test("registries that are named are served and no others; without names, those of mirror files")
  func serves() throws {
    let named = try #require(ServedRegistries(["docker.io", "r:5000=private"]))
    #expect(named.standing("docker.io") { false } == .named(isPrivate: false))
    #expect(named.standing("r:5000") { false } == .named(isPrivate: true))
    #expect(named.standing("ghcr.io") { true } == nil)
    #expect(named.standing("r") { true } == nil)
    let any = try #require(ServedRegistries(["*", "r:5000"]))
    #expect(any.standing("ghcr.io") { false } == .anyPublic)
    #expect(any.standing("r:5000") { false } == .named(isPrivate: false))
    let none = ServedRegistries()
    #expect(none.standing("ghcr.io") { true } == .mirrored)
    #expect(none.standing("ghcr.io") { false } == nil)
  }

  @Test(
    "what no registry can be",
    arguments: [
      "", "=private", "a=b", "a", "docker.io/x", "http://r.io", "r.io=private=x", "u@r.io",
    ])
  func namesNone(text: String) { #expect(ServedRegistries([text]) == nil) }
}
