import CurlTransfer
import OCI
import Registry
import Support
import Testing
import Transfer

@testable import Serve

@Suite("Questions that several ask together")
struct TogetherTests {
  @Test("a question keeps whose it is: no other client comes to have its place in memory meanwhile")
  func holdsAsker() throws {
    let engine = try CurlEngine(settings: TransferSettings())
    defer { engine.stop() }
    let reference = try Reference("r.example/o/n")
    func session() throws -> AnonymousSession {
      let client = RepositoryClient(
        reference: reference, endpoints: [try Endpoint(of: reference, plainHTTP: true)],
        engine: engine, credentials: CredentialChain())
      return AnonymousSession(client, isNamed: true)
    }
    var one: AnonymousSession? = try session()
    weak let client = one?.client
    let key = try Together<Int>.Key(#require(one), "what")
    #expect(try key == Together<Int>.Key(#require(one), "what"))
    #expect(try key != Together<Int>.Key(#require(one), "else"))
    #expect(try key != Together<Int>.Key(session(), "what"))
    one = nil
    #expect(client != nil)
    withExtendedLifetime(key) {}
  }
}
