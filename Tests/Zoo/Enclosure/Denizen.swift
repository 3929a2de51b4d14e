import Foundation
import Glibc
import OCI
import Support
import Synchronization

/// An animal with an image, without sockets: requests in, answers out.
final class Denizen: Sendable {
  /// The repository in which it has its image.
  static let repository = "zoo/okapi"

  let image: FakeImage
  let dialect: Dialect
  private let visits = Mutex<[Visit.Part: Int]>([:])
  private let kinds = Mutex<[String: Int]>([:])
  private let manifests = Mutex(0)
  private let signatures = Mutex<[Int]>([])
  private let ports = Mutex<[Visit.Door: Int]>([:])
  /// Every visit, in the order of arrival.
  let log = Log<Visit>()
  /// The status of every answer.
  let statuses = Log<Int>()

  init(_ animal: Animal, image: FakeImage) {
    dialect = animal.dialect
    self.image = image
  }

  /// The repository's path in URLs.
  var repository: String {
    dialect.pathPrefix.isEmpty ? Self.repository : "\(dialect.pathPrefix)/\(Self.repository)"
  }

  func listens(_ door: Visit.Door, at port: Int) { ports.withLock { $0[door] = port } }

  /// The answer to a request at one of its doors.
  func answer(_ request: ServedRequest, at door: Visit.Door) -> Answer {
    let visit = visit(request, at: door)
    log.add(visit)
    var answers: (Visit) -> Answer = { self.usual($0) }
    for habit in dialect.habits {
      let usual = answers
      answers = { habit($0, usual) ?? usual($0) }
    }
    let answer = answers(visit)
    statuses.add(answer.status)
    return answer
  }

  private func usual(_ visit: Visit) -> Answer {
    if visit.part == .token { return token(visit) }
    if case .stored(let digest) = visit.part { return stored(digest, visit) }
    if let refusal = refusal(visit) { return refusal }
    switch visit.part {
    case .base: return Answer(200, [("Content-Type", "application/json")], "{}")
    case .manifest(let name) where visit.repository == repository: return manifest(name)
    case .blob(let digest) where visit.repository == repository: return blob(digest, visit)
    default: return dialect.errors.answer(dialect.missing)
    }
  }

  /// What goes over the wire.
  func reply(to request: ServedRequest, at door: Visit.Door) -> Reply {
    let answer = answer(request, at: door)
    if answer.silence > 0 { poll(nil, 0, Int32(answer.silence)) }
    return dialect.wire.reply(answer, to: request)
  }

  // MARK: Documents and blobs

  private func manifest(_ name: String) -> Answer {
    guard let digest = image.tags[name] ?? (try? Digest(name)),
      let found = image.manifests[digest]
    else { return dialect.errors.answer(dialect.missing) }
    let rules = dialect.manifests
    var answer = Answer(
      200, [("Content-Type", rules.type ?? found.type.rawValue + rules.typeSuffix)], found.bytes)
    if rules.announcesDigest { answer["Docker-Content-Digest"] = "\(digest)" }
    return answer
  }

  private func blob(_ digest: Digest, _ visit: Visit) -> Answer {
    guard let bytes = image.blobs[digest] else {
      return dialect.errors.answer(dialect.missing)
    }
    guard let storage = dialect.storage else {
      return content(bytes, visit).with { $0["Docker-Content-Digest"] = "\(digest)" }
    }
    let number = signatures.withLock { signatures in
      signatures.append(0)
      return signatures.count - 1
    }
    let query = storage.query.replacing("SIGNATURE", with: "zoo\(number)")
    let path = "/bucket/\(digest.hex)?\(query)"
    return Answer(
      storage.status,
      [
        ("Location", storage.isHere ? path : visit.url(.storage, path)),
        ("Content-Type", storage.page.isEmpty ? "application/octet-stream" : "text/html"),
      ], storage.page)
  }

  private func stored(_ digest: Digest, _ visit: Visit) -> Answer {
    guard let storage = dialect.storage, let bytes = image.blobs[digest] else {
      return ErrorDialect(form: .xml).answer(404)
    }
    if let status = storage.refusesAuthorization, visit.request["authorization"] != nil {
      return storage.errors.answer(status)
    }
    if let status = storage.refusesHead, visit.request.method == "HEAD" {
      return storage.errors.answer(status)
    }
    guard let number = visit.request.query.values.lazy.compactMap(Self.number).first,
      use(number, storage.uses)
    else { return storage.errors.answer(storage.expired) }
    return content(bytes, visit)
  }

  private static func number(_ value: String) -> Int? {
    value.hasPrefix("zoo") ? Int(value.dropFirst(3)) : nil
  }

  private func use(_ number: Int, _ uses: Int?) -> Bool {
    signatures.withLock { signatures in
      guard signatures.indices.contains(number) else { return false }
      signatures[number] += 1
      return signatures[number] <= uses ?? .max
    }
  }

  private func content(_ bytes: [UInt8], _ visit: Visit) -> Answer {
    let rules = dialect.content
    var fields = rules.fields
    if let type = rules.type { fields.append(("Content-Type", type)) }
    if rules.announcesRanges { fields.append(("Accept-Ranges", "bytes")) }
    let field = visit.request["range"]
    let isOpenEnded = field?.hasSuffix("-") ?? false
    let ranges = isOpenEnded ? rules.openEnded ?? rules.ranges : rules.ranges
    guard let field, ranges != .ignored else { return Answer(200, fields, bytes) }
    if case .refused(let status) = ranges { return dialect.errors.answer(status) }
    let range = visit.request.range ?? (Int(field.dropFirst(6).dropLast()) ?? 0)..<bytes.count
    guard range.lowerBound < bytes.count else {
      return dialect.errors.answer(416, [("Content-Range", "bytes */\(bytes.count)")])
    }
    let end = min(range.upperBound, bytes.count)
    fields.append(("Content-Range", "bytes \(range.lowerBound)-\(end - 1)/\(bytes.count)"))
    var status = 206
    if case .labelled(let other) = ranges { status = other }
    return Answer(status, fields, Array(bytes[range.lowerBound..<end]))
  }

  // MARK: Visits

  private func visit(_ request: ServedRequest, at door: Visit.Door) -> Visit {
    let (part, repository) = part(request, at: door)
    let nth = visits.withLock { visits in
      visits[part, default: 0] += 1
      return visits[part] ?? 0
    }
    let kind =
      switch part {
      case .manifest: "manifest"
      case .blob: "blob"
      case .stored: "stored"
      default: "\(part)"
      }
    let (nthOfKind, tokens) = kinds.withLock { kinds in
      kinds[kind, default: 0] += 1
      return (kinds[kind] ?? 0, kinds["token"] ?? 0)
    }
    let manifests = manifests.withLock { manifests in
      if case .manifest(let name) = part, name.contains(":"), request.method == "GET" {
        manifests += 1
      }
      return manifests
    }
    return Visit(
      request: request, door: door, part: part, repository: repository, nth: nth,
      nthOfKind: nthOfKind, tokens: tokens, manifests: manifests,
      hosts: hosts(for: request, at: door))
  }

  private func part(_ request: ServedRequest, at door: Visit.Door) -> (Visit.Part, String) {
    let path = request.path
    let isStored = path.hasPrefix("/bucket/") && (dialect.storage?.isHere ?? false)
    if door == .storage || isStored {
      let hex = path.split(separator: "/").last ?? ""
      return ((try? Digest("sha256:\(hex)")).map { .stored($0) } ?? .other, "")
    }
    if case .bearer(let bearer) = dialect.auth, path == bearer.path,
      (door == .tokens) == bearer.isElsewhere
    {
      return (.token, "")
    }
    guard door == .registry, path.hasPrefix("/v2/") else { return (.other, "") }
    if path == "/v2/" { return (.base, "") }
    let words = path.dropFirst(4).split(separator: "/").map(String.init)
    guard words.count > 2, let name = words.last else { return (.other, "") }
    let repository = words.dropLast(2).joined(separator: "/")
    switch words[words.count - 2] {
    case "manifests": return (.manifest(name), repository)
    case "blobs": return ((try? Digest(name)).map { .blob($0) } ?? .other, repository)
    default: return (.other, repository)
    }
  }

  /// Who comes by address is sent on by address, who comes by name by name: `storage.NAME`.
  private func hosts(for request: ServedRequest, at door: Visit.Door) -> [Visit.Door: String] {
    let host = request["host"] ?? ""
    if host.hasPrefix("127.") || host.isEmpty {
      return ports.withLock { $0.mapValues { "127.0.0.1:\($0)" } }
    }
    let name = door == .registry ? host : String(host.dropFirst(door.rawValue.count + 1))
    return [.registry: name, .storage: "storage.\(name)", .tokens: "tokens.\(name)"]
  }
}
