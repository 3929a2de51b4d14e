import Foundation
@testable import History
@testable import OCI
@testable import Registry
@testable import Simulation
@testable import Store
import Transfer
@testable import Tuning

/// Feeds what libFuzzer makes up to one parser of remote or user data.
///
/// `tools/fuzz` builds and runs it. A target must neither trap nor hang, and what it accepts must
/// hold what its documentation says: `require` is what libFuzzer sees as a crash.
@main
enum Fuzz {
  /// libFuzzer's driver, which calls back for each input until it has done as many as it was told.
  @_silgen_name("LLVMFuzzerRunDriver")
  static func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ target: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
  ) -> Int32

  /// The chosen parser; set once, before libFuzzer runs.
  nonisolated(unsafe) static var target: ([UInt8]) -> Void = { _ in }

  static func main() {
    let name = ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? ""
    guard let chosen = targets[name] else {
      FileHandle.standardError.write(
        Data("FUZZ_TARGET is one of: \(targets.keys.sorted().joined(separator: " "))\n".utf8))
      exit(64)
    }
    target = chosen
    var count = CommandLine.argc
    var arguments = CommandLine.unsafeArgv
    let status = withUnsafeMutablePointer(to: &arguments) { pointer in
      runDriver(&count, pointer) { bytes, length in
        Fuzz.target(Array(UnsafeBufferPointer(start: bytes, count: length)))
        return 0
      }
    }
    exit(status)
  }

  static func require(_ condition: Bool, _ words: String) {
    if !condition { fatalError(words) }
  }

  static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  static let targets: [String: @Sendable ([UInt8]) -> Void] = [
    "reference": reference, "digest": digest, "challenge": challenge, "document": document,
    "descriptor": descriptor, "auth-file": authFile, "content-range": contentRange,
    "retry-after": retryAfter, "resume-map": resumeMap, "link-model": linkModel,
    "image-model": imageModel, "trace": trace, "url": url, "error-body": errorBody,
    "platform": platform, "hosts-file": hostsFile, "registries-conf": registriesConf,
    "token": token, "image-config": imageConfig,
    "json": json, "oci-form": ociForm, "layout-index": layoutIndex, "blob-head": blobHead,
    "history-export": historyExport, "content-encoding": contentEncoding, "proxy": proxy,
    "certificates": certificates,
  ]

  // MARK: Names

  static func reference(_ bytes: [UInt8]) {
    guard let parsed = accepted({ try Reference(text(bytes)) }) else { return }
    require((try? Reference(parsed.description)) == parsed, "a reference does not read back")
    require(!parsed.repository.split(separator: "/").contains(".."), "a reference climbs up")
    require(!parsed.description.contains(where: \.isNewline), "a reference has lines")
  }

  static func digest(_ bytes: [UInt8]) {
    guard let parsed = accepted({ try Digest(text(bytes)) }) else { return }
    require(parsed.description == text(bytes), "a digest is another than it was")
    require(parsed.hex.allSatisfy { $0.isASCII && $0.isHexDigit }, "a digest is not hexadecimal")
  }

  static func platform(_ bytes: [UInt8]) {
    guard let parsed = accepted({ try Platform(text(bytes)) }) else { return }
    isShown(parsed.description)
    require((try? Platform(parsed.description)) == parsed, "a platform does not read back")
  }

  static func url(_ bytes: [UInt8]) {
    guard let base = try? RemoteURL("https://registry.example/v2/a/b?c=d") else { return }
    for parsed in [
      accepted { try RemoteURL(text(bytes)) }, accepted { try base.resolving(text(bytes)) },
    ] {
      guard let parsed else { continue }
      require(["http", "https"].contains(parsed.origin.scheme), "another scheme")
      require(
        parsed.description.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "a URL has odd characters")
      require(
        (try? RemoteURL(parsed.description))?.description == parsed.description,
        "a URL does not read back")
    }
  }

  // MARK: Files of others

  static func authFile(_ bytes: [UInt8]) {
    guard let parsed = try? AuthFile(Data(bytes)) else { return }
    _ = parsed.answers(registry: "docker.io", repository: "library/a")
    _ = parsed.answers(registry: "localhost:5000", repository: "a/b/c")
  }

  static func hostsFile(_ bytes: [UInt8]) {
    guard let parsed = accepted({ try HostsFile(text(bytes)) }),
      let reference = try? Reference("ex.am/a/b:1"),
      let own = try? Endpoint(of: reference, plainHTTP: false)
    else { return }
    for warning in parsed.warnings { isShown(warning) }
    // Whatever mirrors there are, somebody is asked in the end.
    require(!parsed.endpoints(for: reference, own: own).isEmpty, "nobody to ask")
  }

  static func registriesConf(_ bytes: [UInt8]) {
    guard let parsed = accepted({ try RegistriesFile(text(bytes), path: "/r.conf") }),
      let reference = try? Reference("ex.am/a/b:1")
    else { return }
    for warning in parsed.warnings { isShown(warning) }
    var config = RegistriesConfig()
    config.add(parsed, path: "/r.conf")
    if let plan = accepted({ try config.plan(for: reference, plainHTTP: false) }).flatMap({ $0 }) {
      require(!plan.endpoints.isEmpty, "nobody to ask, and no reason")
      for endpoint in plan.endpoints { isShown(endpoint.repository(of: reference)) }
    }
    guard let name = ShortName("a:1"), let images = try? config.images(named: name) else { return }
    require(images.references.allSatisfy { $0.tag == "1" }, "a short name loses its tag")
  }

  /// As it is, and with checksums for its lines: nobody guesses those.
  static func resumeMap(_ bytes: [UInt8]) {
    let lines = text(bytes).split(separator: "\n").map { ResumeMap.line(String($0)) }
    for journal in [text(bytes), lines.joined(), lines.joined() + text(bytes)] { resume(journal) }
  }

  private static func resume(_ journal: String) {
    guard let digest = try? Digest("sha256:" + String(repeating: "a", count: 64)),
      let parsed = ResumeMap(parsing: journal, digest: digest, size: 1_000)
    else { return }
    for ranges in [parsed.written, parsed.synced] {
      require(
        ranges.ranges.allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= 1_000 },
        "bytes beyond the blob")
    }
    require(parsed.usable(bootID: "other") == parsed.synced, "unsynced bytes outlive a reboot")
    let again = ResumeMap(parsing: parsed.text, digest: digest, size: 1_000)
    require(again?.written == parsed.written, "a journal does not read back")
  }

  // MARK: Fields of answers

  static func challenge(_ bytes: [UInt8]) {
    for parsed in Challenge.parse(text(bytes)) {
      require(!parsed.scheme.isEmpty, "a challenge without a scheme")
    }
  }

  /// A status and fields, one on each line.
  static func blobHead(_ bytes: [UInt8]) {
    let lines = text(bytes).split(separator: "\n")
    let fields = lines.dropFirst().prefix(20).map { line in
      let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
      return (parts.first ?? "", parts.count > 1 ? parts[1] : "")
    }
    let head = ResponseHead(
      status: lines.first.flatMap { Int($0) } ?? 206, fields: HTTPFields(fields))
    for (wanted, size) in [(10..<20, 100), (nil, 100), (0..<100, 100)] as [(Range<Int64>?, Int64)] {
      switch BlobVerdict.judge(head, wanted: wanted, size: size) {
      case .content(let offset, let isWhole):
        require(isWhole ? offset == 0 : offset == wanted?.lowerBound, "content of another place")
      case .encoded(_, let offset, let length, let isWhole):
        require(isWhole ? offset == 0 : offset == wanted?.lowerBound, "content of another place")
        require((0...size).contains(length), "more than there is")
      case .refused(_, let reason): isShown(reason)
      case .aside: break
      }
    }
  }

  static func historyExport(_ bytes: [UInt8]) {
    guard let parsed = accepted({ try History.parse(Data(bytes)) }) else { return }
    for path in parsed.paths {
      isShown(path.registry + path.blobHost)
      require(path.points.allSatisfy { $0.statistics.weight > 0 }, "a measurement of nothing")
      var memory = PathMemory()
      for point in path.points { memory.merge([point.poolSize: point.statistics], at: parsed.at) }
      let curve = memory.prior(at: parsed.at).flatMap { PathEstimate($0) }
      require(curve?.rate.isFinite ?? true, "a rate without end")
    }
  }

  static func contentRange(_ bytes: [UInt8]) {
    guard let parsed = ContentRange(text(bytes)) else { return }
    require(parsed.range.lowerBound >= 0 && !parsed.range.isEmpty, "no range")
    require(parsed.size.map { $0 >= parsed.range.upperBound } ?? true, "a range beyond its blob")
  }

  static func retryAfter(_ bytes: [UInt8]) {
    guard let seconds = RetryAfter.seconds(text(bytes), now: 1_763_856_000) else { return }
    require(seconds >= 0 && seconds.isFinite, "a time before now")
  }

  static func errorBody(_ bytes: [UInt8]) {
    for type in ["application/json", "text/html", nil] {
      let body = ErrorBody(bytes, contentType: type)
      let words = body.codes.joined() + (body.words ?? "")
      require(words.utf8.count < 4_000, "a long error")
      isShown(words)
    }
  }

  static func token(_ bytes: [UInt8]) {
    guard let parsed = Token(bytes, now: 1_000) else { return }
    // It goes into a field of a request as it is.
    require(parsed.value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "a token with odd characters")
    require(parsed.refreshAt >= 1_000, "a token that was never good")
  }

  /// What a parser makes of its input; nil: an error, which is fit to be shown.
  static func accepted<Value>(_ parse: () throws -> Value) -> Value? {
    do {
      return try parse()
    } catch {
      let words = "\(error)"
      require(words.utf8.count < 8_000, "a long error")
      for line in words.split(separator: "\n") { isShown(String(line)) }
      return nil
    }
  }

  /// What may reach a terminal.
  static func isShown(_ words: String) {
    require(
      !words.unicodeScalars.contains { scalar in
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
      }, "what is shown could act on a terminal")
  }

  // MARK: Files of the simulator

  static func linkModel(_ bytes: [UInt8]) {
    guard let parsed = accepted({ try LinkModel(json: Data(bytes)) }) else { return }
    require(parsed.bandwidth > 0 && parsed.bandwidth.isFinite, "a line without a rate")
    require(parsed.roundTrip > 0 && parsed.roundTrip.isFinite, "a line without a length")
    require(parsed.perConnection > 0 && parsed.server.rate > 0, "connections without a rate")
    require((0...0.2).contains(parsed.loss), "a loss that is no share")
    require(
      zip(parsed.changes, parsed.changes.dropFirst()).allSatisfy { $0.at <= $1.at },
      "changes out of order")
  }

  static func imageModel(_ bytes: [UInt8]) {
    guard let parsed = accepted({ try ImageModel(json: Data(bytes)) }) else { return }
    require(!parsed.blobs.isEmpty, "an image of nothing")
    require(parsed.blobs.allSatisfy { $0 > 0 }, "a blob of nothing")
  }

  static func trace(_ bytes: [UInt8]) {
    let lines = bytes.split(separator: UInt8(ascii: "\n")).prefix(50).joined(separator: [10])
    guard let steps = try? Replay.read(Data(lines)) else { return }
    for step in Replay.run(steps, ClimbPolicy(maximum: 64)) {
      require(step.decision.poolSize >= 1, "a pool of nobody")
    }
  }
}
