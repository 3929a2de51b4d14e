import CurlTransfer
import Foundation
import OCI
import Progress
import Pull
import Registry
import Scheduling
import Store
import Transfer
import Tuning

/// Pulls one image again and again in one process, and says what was not given back; `tools/soak` runs it.
///
/// `Soak HOST/REPOSITORY FOLDER PULLS`
@main
enum Soak {
  struct Held: CustomStringConvertible {
    var descriptors: Int
    var threads: Int
    var anonymousKiB: Int

    /// glibc's `malloc_trim`, whose header Swift's module of glibc leaves out.
    @_silgen_name("malloc_trim")
    static func trim(_ padding: Int) -> Int32

    /// What this process holds now; free memory that the allocator keeps is given back first.
    static func now() throws -> Held {
      _ = trim(0)
      let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
      func number(_ name: String) -> Int {
        status.split(separator: "\n").first { $0.hasPrefix(name) }
          .flatMap { $0.split(whereSeparator: \.isWhitespace).dropFirst().first }
          .flatMap { Int($0) } ?? -1
      }
      return Held(
        descriptors: try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count,
        threads: number("Threads:"), anonymousKiB: number("RssAnon:"))
    }

    var description: String {
      "\(descriptors) descriptors, \(threads) threads, \(anonymousKiB) KiB of anonymous memory"
    }
  }

  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 4, let pulls = Int(arguments[3]), pulls >= 20 else {
      print("Soak HOST/REPOSITORY FOLDER PULLS")
      exit(64)
    }
    let reference = try Reference(arguments[1])
    var first: Held?
    for number in 0..<pulls {
      try await pull(reference, into: "\(arguments[2])/store-\(number)")
      try FileManager.default.removeItem(atPath: "\(arguments[2])/store-\(number)")
      // Caches of the runtime and of libcurl are full by then.
      if number == pulls / 10 { first = try Held.now() }
    }
    let last = try Held.now()
    guard let first else { exit(70) }
    print("after \(pulls / 10) pulls: \(first)\nafter \(pulls) pulls: \(last)")
    let leaks =
      last.descriptors > first.descriptors || last.threads > first.threads
      || last.anonymousKiB > first.anonymousKiB + 1024
    exit(leaks ? 1 : 0)
  }

  private static func pull(_ reference: Reference, into folder: String) async throws {
    let engine = try CurlEngine(settings: TransferSettings())
    defer { engine.stop() }
    let client = RepositoryClient(
      reference: reference, endpoints: [try Endpoint(of: reference, plainHTTP: true)],
      engine: engine, credentials: CredentialChain())
    let puller = Puller(
      client: client, store: try ContentStore(root: folder), display: Silence())
    let policy = PolicyName.climb.make(PolicyName.Context(cpus: 2))
    _ = try await puller.pull(
      Puller.Request(
        reference: reference, platforms: .one(try Platform("linux/amd64"), isExplicit: false),
        policy: policy))
  }
}

/// Shows nothing.
private struct Silence: ProgressDisplay {
  func show(_ event: ProgressEvent) {}
}
