import Foundation
import Hashing
import OCI
import Registry
import Testing

@testable import Serve

@Suite("Who a caller is")
struct CallerRuleTests {
  @Test(
    "an Authorization is read as Basic, as Bearer, or as none",
    arguments: [
      ("Basic dTpw", "u p"), ("basic dTpwOnE=", "u p:q"), ("Basic Og==", "none"),
      ("Basic OnA=", " p"), ("Bearer a.b.c", "token a.b.c"), ("bearer x==", "token x=="),
    ])
  func reads(field: String, expected: String) throws {
    let credential = try CallerCredential(field)
    let found =
      switch credential {
      case .none: "none"
      case .basic(let user, let password, _): "\(user) \(password)"
      case .bearer(let token, _): "token \(token)"
      }
    #expect(found == expected)
    #expect(credential.field == (expected == "none" ? nil : field))
    for secret in ["dTpw", "a.b.c"] { #expect(!"\(credential)".contains(secret)) }
  }

  @Test(
    "what is no credential is refused",
    arguments: [
      "", "Basic", "Basic ", "Bearer ", "Basic dTpw, Bearer x", "Bearer a,b", "Bearer a b",
      "Bearer a\r\nX: y", "Bearer \u{0}", "Bearer ä", "Basic dQ==", "Basic ?", "Negotiate abc",
      "Digest username=\"u\"", " Basic dTpw",
    ])
  func refuses(field: String) {
    #expect(throws: ServeRefusal.self) { try CallerCredential(field) }
  }

  @Test("a very long Authorization is refused, and one of 12 KiB is not")
  func bounds() throws {
    _ = try CallerCredential("Bearer " + String(repeating: "a", count: 12 << 10))
    let error = #expect(throws: ServeRefusal.self) {
      try CallerCredential("Bearer " + String(repeating: "a", count: 16 << 10))
    }
    #expect(error?.status == 431)
  }

  static let password = "Basic dTpw"
  static let token = "Bearer t"

  @Test(
    "as whom upstream is asked",
    arguments: [
      (Upstream.Form.query, false, nil as String?, false, "anybody"),
      (.query, false, token, false, "shows Bearer t"),
      (.query, true, token, true, "shows Bearer t"),
      (.query, false, password, false, "shows Basic dTpw"),
      (.query, false, nil, true, "owner"),
      (.path, true, password, false, "has"), (.path, true, token, false, "has"),
      (.path, true, "Basic Og==", false, "anybody"),
      // One credential goes along to every path: it is for private registries alone.
      (.path, false, password, false, "anybody"), (.path, false, token, false, "anybody"),
      (.path, false, password, true, "owner"), (.path, true, nil, true, "owner"),
      (.path, true, nil, false, "anybody"),
    ])
  func identities(
    form: Upstream.Form, isPrivate: Bool, field: String?, isOwner: Bool, expected: String
  ) throws {
    let identity = CallerIdentity(
      form: form, isPrivate: isPrivate, credential: try CallerCredential(field), isOwner: isOwner)
    let found =
      switch identity {
      case .anonymous: "anybody"
      case .shows(let field): "shows \(field)"
      case .has: "has"
      case .owner: "owner"
      }
    #expect(found == expected)
  }

  @Test("a grant is of one digest, in one repository of one registry, to one caller, for 5 minutes")
  func grants() throws {
    let hash = KeyedHash()
    let (one, other) = (
      try Digest("sha256:" + String(repeating: "ab", count: 32)),
      try Digest("sha256:" + String(repeating: "cd", count: 32))
    )
    let grant = Grant(
      registry: "r", repository: "a", digest: one, caller: .holder(try hash.hash("Bearer x")))
    var ledger = GrantLedger()
    ledger.note(grant, size: 7, now: 100)
    #expect(ledger.size(grant, now: 400) == 7)
    #expect(ledger.size(grant, now: 400.1) == nil && ledger.size(grant, now: 99) == nil)
    #expect(ledger.size(grant, lifetime: 1000, now: 1100) == 7)
    var others = [grant, grant, grant, grant, grant, grant]
    others[0].registry = "q"
    others[1].repository = "b"
    others[2].digest = other
    others[3].caller = .anonymous
    others[4].caller = .owner
    others[5].caller = .holder(try hash.hash("Bearer y"))
    for other in others { #expect(ledger.size(other, now: 101) == nil) }
    #expect(grant.caller == .holder(try hash.hash("Bearer x")))
    // Another process's hashes say nothing here.
    #expect(grant.caller != .holder(try KeyedHash().hash("Bearer x")))
    ledger.withdraw(grant)
    #expect(ledger.size(grant, now: 101) == nil)
  }

  @Test("grants are bounded in number, and the youngest half is always there")
  func grantsAreBounded() throws {
    func grant(_ number: Int) throws -> Grant {
      let hex = String(repeating: "0", count: 64 - String(number).count) + String(number)
      return Grant(
        registry: "r", repository: "a", digest: try Digest("sha256:\(hex)"), caller: .anonymous)
    }
    var ledger = GrantLedger(capacity: 100)
    for number in 0..<1000 {
      ledger.note(try grant(number), size: 1, now: Double(number) / 10)
      #expect(ledger.count <= 100)
      for young in max(0, number - 49)...number {
        #expect(ledger.size(try grant(young), now: Double(number) / 10) == 1)
      }
    }
  }

  @Test(
    "names that any caller may ask for, and others",
    arguments: [
      ("ghcr.io", true), ("registry.example.com:5000", true), ("docker.io", true),
      ("8.8.8.8", true), ("[2606:4700::1]:443", true), ("localhost", false),
      ("localhost:5000", false), ("registry", false), ("registry:5000", false),
      ("a.localhost", false), ("nas.local", false), ("metadata.google.internal", false),
      ("10.0.0.1", false), ("127.0.0.1:5000", false), ("127.1", false), ("2130706433", false),
      ("0x7f.0.0.1", false), ("1.2.3", false), ("a.0x7f000001", false), ("169.254.169.254", false),
      ("[::1]:5000", false), ("[fd00::1]", false), ("kubernetes.default.svc", true),
    ])
  func publicNames(name: String, isPublic: Bool) { #expect(PublicName.isOne(name) == isPublic) }

  @Test("what a repository has is forgotten at once, and nobody else's")
  func forgetsPlace() throws {
    var kept = PlacedGenerations<String, Int, Int>(capacity: 8)
    for item in 0..<3 {
      kept["a", item] = item
      kept["b", item] = item
    }
    // Both generations have some.
    #expect(kept.count == 6 && kept["a", 0] == 0)
    let wasThere = kept.forget("a")
    #expect(wasThere && kept.count == 3 && (0..<3).allSatisfy { kept["a", $0] == nil })
    #expect((0..<3).allSatisfy { kept["b", $0] == $0 } && kept.all.count == 3)
    let isAgain = kept.forget("a")
    kept["b", 0] = nil
    #expect(!isAgain && kept.count == 2)
    for item in 0..<100 { kept["c", item] = item }
    #expect(kept.count <= 8 && kept["c", 99] == 99)
  }
}
