import Foundation
@testable import OCI
@testable import Registry
@testable import Simulation
@testable import Store
import Transfer
@testable import Tuning

/// Feeds what libFuzzer makes up to one parser of remote or user data.
///
/// `tools/fuzz` builds and runs it. A target must neither trap nor hang, and what it accepts must hold what its
/// documentation says: `require` is what libFuzzer sees as a crash.
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
    "platform": platform, "hosts-file": hostsFile, "token": token, "image-config": imageConfig,
    "layout-index": layoutIndex,
  ]

  // MARK: Names

  static func reference(_ bytes: [UInt8]) {
    guard let parsed = try? Reference(text(bytes)) else { return }
    require((try? Reference(parsed.description)) == parsed, "a reference does not read back")
    require(!parsed.repository.split(separator: "/").contains(".."), "a reference climbs up")
    require(!parsed.description.contains(where: \.isNewline), "a reference has lines")
  }

  static func digest(_ bytes: [UInt8]) {
    guard let parsed = try? Digest(text(bytes)) else { return }
    require(parsed.description == text(bytes), "a digest is another than it was")
    require(parsed.hex.allSatisfy { $0.isASCII && $0.isHexDigit }, "a digest is not hexadecimal")
  }

  static func platform(_ bytes: [UInt8]) {
    guard let parsed = try? Platform(text(bytes)) else { return }
    require((try? Platform(parsed.description)) == parsed, "a platform does not read back")
  }

  static func url(_ bytes: [UInt8]) {
    guard let base = try? RemoteURL("https://registry.example/v2/a/b?c=d") else { return }
    for parsed in [try? RemoteURL(text(bytes)), try? base.resolving(text(bytes))] {
      guard let parsed else { continue }
      require(["http", "https"].contains(parsed.origin.scheme), "another scheme")
      require(
        parsed.description.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "a URL has odd characters")
      require(
        (try? RemoteURL(parsed.description))?.description == parsed.description,
        "a URL does not read back")
    }
  }

  // MARK: Documents

  static func document(_ bytes: [UInt8]) {
    guard let parsed = try? ImageDocument.parse(Data(bytes), contentType: nil) else { return }
    switch parsed {
    case .manifest(let manifest):
      require(manifest.totalSize ?? -1 >= 0, "sizes that overflow")
      require(manifest.layers.allSatisfy { $0.size >= 0 }, "a negative size")
      _ = manifest.blobs
    case .index(let index):
      _ = index.platforms
      _ = (try? Platform("linux/arm64/v8")).flatMap { index.manifest(for: $0) }
    }
  }

  static func descriptor(_ bytes: [UInt8]) {
    guard let parsed = try? JSONDecoder().decode(Descriptor.self, from: Data(bytes)) else { return }
    require(parsed.size >= 0, "a negative size")
    _ = parsed.title
    _ = parsed.isAttestation
    guard let again = try? JSONEncoder().encode(parsed) else { return }
    require(
      (try? JSONDecoder().decode(Descriptor.self, from: again))?.digest == parsed.digest,
      "a descriptor does not read back")
  }

  static func imageConfig(_ bytes: [UInt8]) {
    guard let platform = ImageConfig(json: Data(bytes))?.platform else { return }
    require(!platform.os.isEmpty && !platform.architecture.isEmpty, "a platform without a name")
    isShown(platform.description)
  }

  static func layoutIndex(_ bytes: [UInt8]) {
    guard let parsed = LayoutIndex(json: Data(bytes)) else { return }
    guard let again = try? LayoutIndex(json: parsed.encoded()) else { fatalError("not encodable") }
    require(again.manifests.map(\.digest) == parsed.manifests.map(\.digest), "an entry is lost")
  }

  static func authFile(_ bytes: [UInt8]) {
    guard let parsed = try? AuthFile(Data(bytes)) else { return }
    _ = parsed.answers(registry: "docker.io", repository: "library/a")
    _ = parsed.answers(registry: "localhost:5000", repository: "a/b/c")
  }

  static func hostsFile(_ bytes: [UInt8]) {
    guard let parsed = try? HostsFile(text(bytes)), let reference = try? Reference("ex.am/a/b:1"),
      let own = try? Endpoint(of: reference, plainHTTP: false)
    else { return }
    // Whatever mirrors there are, somebody is asked in the end.
    require(!parsed.endpoints(for: reference, own: own).isEmpty, "nobody to ask")
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

  /// What may reach a terminal.
  static func isShown(_ words: String) {
    require(
      !words.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F },
      "control characters in what is shown")
  }

  // MARK: Files of the simulator

  static func linkModel(_ bytes: [UInt8]) {
    guard let parsed = try? LinkModel(json: Data(bytes)) else { return }
    require(parsed.bandwidth > 0 && parsed.bandwidth.isFinite, "a line without a rate")
    require(parsed.roundTrip > 0 && parsed.roundTrip.isFinite, "a line without a length")
    require(parsed.perConnection > 0 && parsed.server.rate > 0, "connections without a rate")
    require((0...0.2).contains(parsed.loss), "a loss that is no share")
    require(
      zip(parsed.changes, parsed.changes.dropFirst()).allSatisfy { $0.at <= $1.at },
      "changes out of order")
  }

  static func imageModel(_ bytes: [UInt8]) {
    guard let parsed = try? ImageModel(json: Data(bytes)) else { return }
    require(!parsed.blobs.isEmpty, "an image of nothing")
    require(parsed.blobs.allSatisfy { $0 > 0 }, "a blob of nothing")
  }

  static func trace(_ bytes: [UInt8]) {
    let lines = bytes.split(separator: UInt8(ascii: "\n")).prefix(50).joined(separator: [10])
    guard let steps = try? Replay.read(Data(lines)) else { return }
    for step in Replay.run(steps, PolicyName.climb.make(PolicyName.Context(cpus: 2))) {
      require(step.decision.poolSize >= 1, "a pool of nobody")
    }
  }
}
