import Foundation
import OCI
import Serve
import Support
import Synchronization
import Testing

/// A registry that goes wrong in many ways at once, behind the endpoint; `tools/serve-clients
/// --faults` asks ten thousand times.
@Suite("Faults behind the endpoint", .timeLimit(.minutes(10)))
struct FaultMixTests {
  /// Numbers that are the same for the same seed.
  struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ (state >> 29)
    }
  }

  /// What an answer suffers.
  enum Fault: CaseIterable {
    case error, busy, refused, denied, absent, nonsense, cut, reset, whole, otherRange, longer,
      flipped
    case page
  }

  static func answer(_ fault: Fault, _ usual: Reply, _ dice: inout Dice) -> Reply {
    guard case .response(let status, let fields, var body) = usual else { return usual }
    let head =
      "HTTP/1.1 \(status) OK\r\n" + fields.map { "\($0.0): \($0.1)\r\n" }.joined()
      + "Content-Length: \(body.count)\r\n\r\n"
    let half = Array(head.utf8) + body.prefix(body.count / 2)
    switch fault {
    case .error: return .status(500)
    case .busy: return .status(503, [("Retry-After", "0")])
    case .refused: return .status(429, [("Retry-After", "0")])
    case .denied: return .status(403)
    case .absent: return .status(404)
    case .nonsense: return .raw(Array("SSH-2.0-x\r\n".utf8), .close)
    case .cut: return .raw(half, .close)
    case .reset: return .raw(half, .reset)
    case .whole: return .response(200, [], body)
    case .otherRange: return .response(206, [("Content-Range", "bytes 0-0/1")], [0])
    case .longer: return .response(status, fields, body + [0, 0])
    case .flipped:
      // Elsewhere each time, as it happens on the way: what comes twice is what is meant.
      if let place = body.indices.randomElement(using: &dice) { body[place] ^= 1 }
      return .response(status, fields, body)
    case .page: return .response(200, [("Content-Type", "text/html")], Array("<html>".utf8))
    }
  }

  @Test("no answer that is whole is wrong, none hangs, and what is kept is right", arguments: 0..<4)
  func mixes(seed: UInt64) async throws {
    let image = try FakeImage(
      layers: [400_000, 150_000, 70_000, 3_000].enumerated().map {
        Content.bytes($1, seed: UInt64($0) + 10 * seed)
      })
    let dice = Mutex((dice: Dice(state: seed), isOver: false))
    let rate = [0.05, 0.1, 0.2, 0.4][Int(seed % 4)]
    let registry = try FakeRegistry(image) { request in
      dice.withLock { state -> Reply? in
        guard !state.isOver, Double.random(in: 0..<1, using: &state.dice) < rate else { return nil }
        return Fault.allCases.randomElement(using: &state.dice).map {
          Self.answer($0, FakeRegistry.answer(request, image), &state.dice)
        }
      }
    }
    let post = try await Post(registry.host, firstBytesPatience: .seconds(10))
    let wrong = Log<String>()
    await withTaskGroup(of: Void.self) { group in
      for client in 0..<8 {
        group.addTask {
          var dice = Dice(state: seed &* 31 &+ UInt64(client))
          for _ in 0..<15 {
            do {
              if let words = try await Self.ask(post, image, &dice) { wrong.add(words) }
            } catch {
              // The connection is gone: that is an answer, too.
            }
          }
        }
      }
    }
    #expect(wrong.all.isEmpty, "\(wrong.all)")
    dice.withLock { $0.isOver = true }
    for layer in image.layers {
      let answer = try await post.get("blobs/\(layer)")
      #expect(
        answer.status == 200 && answer.isWhole && answer.body == image.blobs[layer],
        "\(answer.status) \(answer.isWhole) \(answer.text.prefix(300))")
    }
    await post.end()
  }

  /// Asks for something; what was wrong with the answer, nil: nothing.
  static func ask(_ post: Post, _ image: FakeImage, _ dice: inout Dice) async throws -> String? {
    guard Int.random(in: 0..<6, using: &dice) > 0 else {
      let answer = try await post.get("manifests/latest")
      let right = image.manifests[image.manifest]?.bytes
      return answer.status == 200 && answer.isWhole && answer.body != right ? "a manifest" : nil
    }
    let layer = image.layers[Int.random(in: 0..<image.layers.count, using: &dice)]
    let bytes = image.blobs[layer] ?? []
    guard Bool.random(using: &dice) else {
      let answer = try await post.get("blobs/\(layer)")
      guard answer.status == 200, answer.isWhole else { return nil }
      return answer.body == bytes ? nil : "\(layer) with \(answer.body.count) bytes"
    }
    // A part's reader has its own way to know: only its place and length are promised.
    let start = Int.random(in: 0..<bytes.count, using: &dice)
    let end = Int.random(in: start..<bytes.count, using: &dice)
    let answer = try await post.get("blobs/\(layer)", ["Range": "bytes=\(start)-\(end)"])
    guard answer.status == 206, answer.isWhole else { return nil }
    let said = answer.fields["content-range"]
    return said == "bytes \(start)-\(end)/\(bytes.count)" && answer.body.count == end - start + 1
      ? nil : "\(said ?? "no range") for \(start)-\(end)"
  }
}
