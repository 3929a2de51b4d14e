import Support
import Testing

/// Servers that send a blob from its beginning whatever is asked for, and never all of it at once.
@Suite("Answers that are cut off", .timeLimit(.minutes(10)), .serialized)
struct CutTests {
  static let layer = Content.bytes(2_000_000, seed: 3)

  /// How many bytes each request for the layer gets, the last one again and again.
  static let cuts: [String: (bytes: [Int], isWhole: Bool)] = [
    "at the same byte": ([700_000], false),
    "at the same byte, after more had come": ([1_200_000, 700_000], false),
    "a little later each time": ((1...19).map { $0 * 100_000 } + [2_000_000], true),
    "anywhere": ([900_000, 100, 400_000, 1_300_000, 5, 1_299_999, 1_700_000, 2_000_000], true),
  ]

  @Test("end the pull where nothing new comes, and bring the blob where something does")
  func cut() async throws {
    for (name, (bytes, isWhole)) in Self.cuts {
      let image = try FakeImage(layers: [Self.layer])
      let count = Counter()
      let registry = try FakeRegistry(image) { request in
        guard request.target.contains("\(image.layers[0])"), request.method == "GET" else {
          return nil
        }
        let number = count.next()
        let sent = bytes[min(number, bytes.count) - 1]
        return .raw(
          Reply.head(200, length: Self.layer.count) + Self.layer.prefix(sent), .close)
      }
      let bench = try Bench(stallTimeout: 20)
      var request = try bench.request("\(registry.host)/o/n", workers: 1)
      request.settings.backoff = 0.001
      request.settings.maximumBackoff = 0.002
      guard !isWhole else {
        try await bench.pull(request)
        try bench.expectWhole(image)
        continue
      }
      let error = try await bench.failure(request)
      #expect(
        error.description.contains("cuts it off after 700000 of 2000000 bytes"), "\(name): \(error)"
      )
      #expect(error.hint?.contains("go on from there") == false, "\(name)")
      // It is asked a few times, as whoever contradicts himself is.
      #expect(count.next() < 12, "\(name)")
    }
  }
}
