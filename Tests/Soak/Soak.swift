import CurlTransfer
import Foundation
import OCI
import Progress
import Pull
import PullSupport
import Registry
import Scheduling
import Store
import Transfer
import Tuning

/// Pulls again and again in one process, and says what was not given back; `tools/soak` runs it.
///
/// Of ten pulls one is of an image that lacks a blob, and two are cancelled on their way.
///
/// `Soak HOST/REPOSITORY HOST/BROKEN-REPOSITORY FOLDER PULLS`
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
    guard arguments.count == 5, let pulls = Int(arguments[4]), pulls >= 20 else {
      print("Soak HOST/REPOSITORY HOST/BROKEN-REPOSITORY FOLDER PULLS")
      exit(64)
    }
    let (whole, broken) = (try Reference(arguments[1]), try Reference(arguments[2]))
    var first: Held?
    for number in 0..<pulls {
      let folder = "\(arguments[3])/store-\(number)"
      switch number % 10 {
      case 3: try await fail(broken, into: folder)
      case 5, 8: try await cancel(whole, into: folder, afterEvents: number % 7)
      default: try await pull(whole, into: folder)
      }
      try FileManager.default.removeItem(atPath: folder)
      // Caches of the runtime and of libcurl are full by then.
      if number == pulls / 10 { first = try Held.now() }
    }
    guard let first else { exit(70) }
    var last = try Held.now()
    // A thread that was told to end may be on its way still; a leaked one stays.
    for _ in 0..<50 where last.threads > first.threads {
      try await Task.sleep(for: .milliseconds(100))
      last = try Held.now()
    }
    print("after \(pulls / 10) pulls: \(first)\nafter \(pulls) pulls: \(last)")
    let leaks =
      last.descriptors > first.descriptors || last.threads > first.threads
      || last.anonymousKiB > first.anonymousKiB + 1024
    exit(leaks ? 1 : 0)
  }

  private static func fail(_ reference: Reference, into folder: String) async throws {
    do {
      try await pull(reference, into: folder)
    } catch is PullError {
      return
    }
    print("an image that lacks a blob was pulled")
    exit(1)
  }

  /// Cancels a pull when it has shown so many events; one that has ended before is none of its business.
  private static func cancel(_ reference: Reference, into folder: String, afterEvents wanted: Int)
    async throws
  {
    let display = Watched()
    let running = Task {
      defer { display.inbox.finish() }
      try await pull(reference, into: folder, display: display)
    }
    var seen = 0
    for await _ in display.events {
      seen += 1
      if seen > wanted { break }
    }
    running.cancel()
    _ = await running.result
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true)
  }

  private static func pull(
    _ reference: Reference, into folder: String, display: any ProgressDisplay = Silence()
  ) async throws {
    let engine = try CurlEngine(settings: TransferSettings())
    defer { engine.stop() }
    let client = RepositoryClient(
      reference: reference, endpoints: [try Endpoint(of: reference, plainHTTP: true)],
      engine: engine, credentials: CredentialChain())
    let puller = Puller(
      client: client, store: try ContentStore(root: folder), display: display)
    let policy = ClimbPolicy(maximum: 64)
    _ = try await puller.pull(
      LonePull(
        reference: reference, platforms: .one(try Platform("linux/amd64"), isExplicit: false),
        policy: policy))
  }
}

/// Shows nothing.
private struct Silence: ProgressDisplay {
  func show(_ event: ProgressEvent) {}
}

/// Passes on that something was shown.
private struct Watched: ProgressDisplay {
  let events: AsyncStream<Void>
  let inbox: AsyncStream<Void>.Continuation

  init() { (events, inbox) = AsyncStream.makeStream(of: Void.self) }

  func show(_ event: ProgressEvent) { inbox.yield() }
}
