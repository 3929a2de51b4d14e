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
    "platform": platform, "hosts-file": hostsFile,
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

  static func authFile(_ bytes: [UInt8]) {
    guard let parsed = try? AuthFile(Data(bytes)) else { return }
    _ = parsed.answers(registry: "docker.io", repository: "library/a")
    _ = parsed.answers(registry: "localhost:5000", repository: "a/b/c")
  }

  static func hostsFile(_ bytes: [UInt8]) {
    guard let parsed = try? HostsFile(text(bytes)), let reference = try? Reference("ex.am/a/b:1"),
      let own = try? Endpoint(of: reference, plainHTTP: false)
    else { return }
    _ = parsed.endpoints(for: reference, own: own)
  }

  /// Lines get their checksums here: nobody guesses those.
  static func resumeMap(_ bytes: [UInt8]) {
    let lines = text(bytes).split(separator: "\n").map { ResumeMap.line(String($0)) }
    guard let digest = try? Digest("sha256:" + String(repeating: "a", count: 64)),
      let parsed = ResumeMap(parsing: lines.joined(), digest: digest, size: 1_000)
    else { return }
    for ranges in [parsed.written, parsed.synced] {
      require(
        ranges.ranges.allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= 1_000 },
        "bytes beyond the blob")
    }
    _ = parsed.usable(bootID: "other")
    _ = parsed.text
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
      require(
        !words.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F },
        "control characters in an error")
    }
  }

  // MARK: Files of the simulator

  static func linkModel(_ bytes: [UInt8]) { _ = try? LinkModel(json: Data(bytes)) }

  static func imageModel(_ bytes: [UInt8]) { _ = try? ImageModel(json: Data(bytes)) }

  static func trace(_ bytes: [UInt8]) {
    let lines = bytes.split(separator: UInt8(ascii: "\n")).prefix(50).joined(separator: [10])
    guard let steps = try? Replay.read(Data(lines)) else { return }
    for step in Replay.run(steps, PolicyName.climb.make(PolicyName.Context(cpus: 2))) {
      require(step.decision.poolSize >= 1, "a pool of nobody")
    }
  }
}
