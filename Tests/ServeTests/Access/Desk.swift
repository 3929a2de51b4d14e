import CurlTransfer
import Downloads
import Foundation
import Glibc
import Hashing
import OCI
import Registry
import Scheduling
import Serve
import Store
import Support
import Synchronization
import Transfer
import Tuning

/// An endpoint on loopback, and what a caller of it sees.
final class Desk: Sendable {
  let folder: TemporaryFolder
  let engine: CurlEngine
  let store: ContentStore
  let downloads: Downloads
  let front: FrontServer
  let cache: CacheKeeper
  /// What it remembers.
  let tags: SharedTags
  let log = Log<RequestRecord>()
  let port: Int

  /// - Parameters:
  ///   - registries: values of `--registry`.
  ///   - owner: for whom the owner's credentials are used, and those; nil: for nobody.
  ///   - root: where its store is; nil: in a folder of its own.
  ///   - other: an endpoint that has ended and whose store it has; nil: one of its own.
  ///   - bounds: what bounds its front.
  ///   - rule: how requests that fail are made again; nil: they are not.
  ///   - time: clocks and waits of those.
  ///   - stalePatience: how long upstream is waited for where there is an old answer, and after a silence.
  ///   - plan: who answers for a repository; nil: its own registry by plain HTTP.
  init(
    _ registries: [String], owner: (OwnerRule, CredentialChain)? = nil,
    settings: TransferSettings = TransferSettings(), cacheLimit: Int64? = nil,
    staleSeconds: Double = 0, root: String? = nil, after other: Desk? = nil,
    bounds: FrontSettings = .some, rule: RepositoryClient.RetryRule? = nil,
    time: Timekeeper = Timekeeper(),
    stalePatience: (Duration, Duration) = (.seconds(3_600), .seconds(3_600)),
    plan: (@Sendable (Reference) throws -> EndpointPlan)? = nil
  ) async throws {
    folder = try other?.folder ?? TemporaryFolder()
    store = try other?.store ?? ContentStore(root: root ?? folder("store"))
    let cache =
      try other?.cache
      ?? CacheKeeper(
        store: store, reading: nil, limit: cacheLimit, keeps: false)
    self.cache = cache
    engine = try CurlEngine(settings: settings)
    var settled = SchedulerSettings()
    settled.backoff = 0.01
    let scheduling = settled
    downloads = Downloads(
      store: store, limits: Downloads.Limits(openBlobs: 32, hashing: 2),
      plan: { _, _ in PathPlan(policy: FixedPolicy(poolSize: 4), settings: scheduling) })
    var never = RepositoryClient.RetryRule()
    never.retries = 0
    var clients = UpstreamClients(
      registries: ServedRegistries(registries) ?? ServedRegistries(), engine: engine,
      retryRule: rule ?? never, own: owner?.1 ?? CredentialChain()
    ) { reference in
      if let plan { return try plan(reference) }
      return EndpointPlan(endpoints: [try Endpoint(of: reference, plainHTTP: true)])
    }
    clients.time = time
    let rule2 = try owner?.0 ?? OwnerRule(isOn: false, owner: geteuid(), places: [])
    let log = log
    tags = SharedTags(keptIn: store, staleSeconds: staleSeconds)
    front = FrontServer(
      Answerer(
        doorkeeper: CallerDoorkeeper(
          clients, owner: rule2, tags: tags),
        cache: cache,
        downloads: downloads, metrics: ServeMetrics(.init(version: "test")),
        aheadPatience: .seconds(3_600), stalePatience: stalePatience), settings: bounds
    ) { log.add($0) }
    port = try await front.listen(at: .network(host: "127.0.0.1", port: 0))
  }

  func close() async {
    await front.drain(patience: .milliseconds(1))
    _ = await downloads.close()
    engine.stop()
  }

  /// The first part of a path that names a registry.
  static func part(_ server: RawServer) -> String { server.host.replacing(":", with: "__") }

  /// Asks for something.
  ///
  /// - Parameter fields: beside `Host`, unless one of them is it.
  func get(
    _ target: String, _ fields: [(String, String)] = [], method: String = "GET"
  ) async throws -> (status: Int, fields: [(String, String)], body: [UInt8]) {
    var text = "\(method) \(target) HTTP/1.1\r\nConnection: close\r\n"
    if !fields.contains(where: { $0.0 == "Host" }) { text += "Host: 127.0.0.1:\(port)\r\n" }
    for (name, value) in fields { text += "\(name): \(value)\r\n" }
    let (request, port) = (Array((text + "\r\n").utf8), port)
    let answer = try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(with: Result { try Self.exchange(request, port) })
      }
    }
    let end = answer.indices.first { answer[$0...].starts(with: Array("\r\n\r\n".utf8)) }
    guard let end else { return (0, [], []) }
    let lines = String(decoding: answer[..<end], as: UTF8.self).components(separatedBy: "\r\n")
    let fields = lines.dropFirst().map { line -> (String, String) in
      let parts = line.split(separator: ":", maxSplits: 1)
      return (parts[0].lowercased(), parts.count > 1 ? String(parts[1].dropFirst()) : "")
    }
    let words = lines[0].split(separator: " ")
    return (words.count > 1 ? Int(words[1]) ?? 0 : 0, fields, Array(answer[(end + 4)...]))
  }

  /// Sends bytes, and reads until the other end closes.
  private static func exchange(_ request: [UInt8], _ port: Int) throws -> [UInt8] {
    let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { Glibc.close(client) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isConnected = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(client, $0, length) == 0 }
    }
    guard isConnected else { throw POSIXError(.ECONNREFUSED) }
    var sent = 0
    while sent < request.count {
      let count = request.withUnsafeBytes {
        send(client, $0.baseAddress.map { $0 + sent }, $0.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { break }
      sent += count
    }
    var answer: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = recv(client, &chunk, chunk.count, 0)
      guard count > 0 else { return answer }
      answer += chunk[..<count]
    }
  }
}

/// A registry with one manifest and one blob in each of its repositories, and a rule about who gets what.
final class Vault: Sendable {
  let server: RawServer
  static let blob = Content.bytes(300_000, seed: 20)
  static let manifest = Array(
    """
    {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":\
    "application/vnd.oci.image.config.v1+json","digest":\
    "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}
    """.utf8)

  /// - Parameters:
  ///   - challenge: of a denial.
  ///   - allows: whether a repository is given to whoever shows something.
  init(
    challenge: String = "Bearer realm=\"http://HOST/token\",service=\"s\"",
    allows: @escaping @Sendable (_ repository: String, _ authorization: String?) -> Bool
  ) throws {
    let blobDigest = try Digest.of(Self.blob)
    let manifestDigest = try Digest.of(Self.manifest)
    server = try RawServer { request in
      let host = request["host"] ?? ""
      if request.target.hasPrefix("/token") {
        return request["authorization"] == "Basic dTpw"
          ? .ok("{\"token\":\"good\"}") : .ok("{\"token\":\"anybody\"}")
      }
      let parts = request.target.split(separator: "?")[0].split(separator: "/")
      guard parts.count >= 4 else { return .status(200) }
      guard allows(String(parts[1]), request["authorization"]) else {
        return .status(
          401, [("WWW-Authenticate", challenge.replacing("HOST", with: host))])
      }
      if parts[parts.count - 2] == "blobs" {
        guard parts.last == Substring("\(blobDigest)") else { return .status(404) }
        guard let range = request.range else { return .ok(Self.blob) }
        let end = min(range.upperBound, Self.blob.count)
        return .response(
          206,
          [("Content-Range", "bytes \(range.lowerBound)-\(end - 1)/\(Self.blob.count)")],
          Array(Self.blob[range.lowerBound..<end]))
      }
      return .ok(
        Self.manifest,
        [
          ("Content-Type", "application/vnd.oci.image.manifest.v1+json"),
          ("Docker-Content-Digest", "\(manifestDigest)"),
        ])
    }
  }

}
