import Foundation
import OCI
@testable import Progress
import Testing

@Suite("Rendering")
struct RenderingTests {
  static func blob(_ number: Int, _ state: PullSnapshot.State, _ done: Int64, _ size: Int64) throws
    -> PullSnapshot.Blob
  {
    let hex = String(repeating: "0", count: 63) + "\(number)"
    return PullSnapshot.Blob(
      digest: try Digest("sha256:\(number)" + hex.dropLast(1)),
      label: number == 0 ? "config" : "layer \(number)",
      size: size, done: done, state: state)
  }

  static func snapshot() throws -> PullSnapshot {
    PullSnapshot(
      name: "ubuntu",
      blobs: [
        try blob(0, .done, 1_500, 1_500), try blob(1, .fetching, 5 << 20, 20 << 20),
        try blob(2, .verifying, 1 << 20, 1 << 20), try blob(3, .elsewhere, 0, 3 << 20),
        try blob(4, .waiting, 0, 2 << 20),
      ], seconds: 7, bytesPerSecond: 2.5 * 1_048_576, poolSize: 4, open: 3)
  }

  @Test("draws a line for each active blob and one for the image")
  func drawsBars() throws {
    let lines = BarRenderer(columns: 120, rows: 40).lines(try Self.snapshot())
    #expect(
      lines == [
        "  layer 1 100000000000   [==========>                             ]  25 % of 20.0 MiB",
        "  layer 2 200000000000   1.0 MiB   verifying",
        "  layer 3 300000000000   3.0 MiB   another cairn is fetching it",
        " 23 % [=========>                              ] 6.0 MiB/26.0 MiB 2.5 MiB/s ETA 0:08, 3/4 workers, 1/5 blobs",
      ])
  }

  @Test("what has begun and waits for a worker is shown, where what is worked at leaves room")
  func begun() throws {
    var snapshot = try Self.snapshot()
    snapshot.blobs[4].done = 1 << 20
    let lines = BarRenderer(columns: 80, rows: 40).lines(snapshot)
    #expect(
      lines.dropLast().last
        == "  layer 4 400000000000   [============>           ]  50 % of 2.0 MiB")
    snapshot.blobs.swapAt(1, 4)
    let few = BarRenderer(columns: 80, rows: 5).lines(snapshot)
    #expect(
      few.dropLast() == [
        "  layer 2 200000000000   1.0 MiB   verifying",
        "  layer 3 300000000000   3.0 MiB   another cairn is fetching it", "  … and 2 more",
      ])
  }

  @Test("the blobs of several images say which image's they are, where there is room")
  func severalImages() throws {
    var snapshot = try Self.snapshot()
    for (index, name) in ["a:1", "b:1", "b:1", "b:1", "b:1"].enumerated() {
      snapshot.blobs[index].image = name
    }
    let lines = BarRenderer(columns: 80, rows: 40).lines(snapshot)
    #expect(
      lines.dropLast() == [
        "  layer 1 100000000000   [======>                 ]  25 % of 20.0 MiB  b:1",
        "  layer 2 200000000000   1.0 MiB   verifying  b:1",
        "  layer 3 300000000000   3.0 MiB   another cairn is fetching it  b:1",
      ])
    var plain = PlainRenderer()
    _ = plain.line(.started(reference: "a:1"))
    #expect(
      plain.line(.blob(snapshot.blobs[0])) == "config 000000000000: done, 1.5 KiB")
    _ = plain.line(.started(reference: "b:1"))
    #expect(
      plain.line(.blob(snapshot.blobs[0])) == "a:1 config 000000000000: done, 1.5 KiB")
  }

  /// A pull of 60 layers, large enough that every number is wide.
  static func wide() throws -> PullSnapshot {
    let (gib, mib) = (Int64(1) << 30, Int64(1) << 20)
    var blobs = [
      try blob(1, .fetching, 123 * mib, 3 * gib), try blob(2, .verifying, 900 * mib, 900 * mib),
      try blob(3, .elsewhere, 0, 17 * mib),
    ]
    blobs += try (4...9).map { try blob($0, .done, 40 * mib, 40 * mib) }
    blobs += try (1...9).map { try blob($0, .waiting, 0, 500 * mib) }
    return PullSnapshot(
      name: "u", blobs: blobs, seconds: 7, bytesPerSecond: 12.3 * 1_048_576, poolSize: 64, open: 64)
  }

  @Test(
    "what matters least gives way to the width, and no number is cut",
    arguments: [
      (
        40,
        [
          "  layer 1     4 % of 3.0 GiB", "  layer 2   900 MiB   verifying",
          "  layer 3   17.0 MiB  by another", " 14 % of 8.5 GiB 12.3 MiB/s ETA 10:07",
        ]
      ),
      (
        60,
        [
          "  layer 1 100000000000   [>         ]   4 % of 3.0 GiB",
          "  layer 2 200000000000   900 MiB   verifying",
          "  layer 3   17.0 MiB  another cairn is fetching it",
          " 14 % 1.2 GiB/8.5 GiB 12.3 MiB/s ETA 10:07, 64/64 workers",
        ]
      ),
      (
        80,
        [
          "  layer 1 100000000000   [>                       ]   4 % of 3.0 GiB",
          "  layer 2 200000000000   900 MiB   verifying",
          "  layer 3 300000000000   17.0 MiB  another cairn is fetching it",
          " 14 % [=>        ] of 8.5 GiB 12.3 MiB/s ETA 10:07, 64/64 workers, 6/18 blobs",
        ]
      ),
      (
        120,
        [
          "  layer 1 100000000000   [=>                                      ]   4 % of 3.0 GiB",
          "  layer 2 200000000000   900 MiB   verifying",
          "  layer 3 300000000000   17.0 MiB  another cairn is fetching it",
          " 14 % [=====>                                  ] 1.2 GiB/8.5 GiB 12.3 MiB/s ETA 10:07, 64/64 workers, "
            + "6/18 blobs",
        ]
      ),
      (
        200,
        [
          "  layer 1 100000000000   [=>                                      ]   4 % of 3.0 GiB",
          "  layer 2 200000000000   900 MiB   verifying",
          "  layer 3 300000000000   17.0 MiB  another cairn is fetching it",
          " 14 % [=====>                                  ] 1.2 GiB/8.5 GiB 12.3 MiB/s ETA 10:07, 64/64 workers, "
            + "6/18 blobs",
        ]
      ),
    ] as [(Int, [String])])
  func widths(columns: Int, expected: [String]) throws {
    let lines = BarRenderer(columns: columns, rows: 40).lines(try Self.wide())
    #expect(lines == expected)
  }

  @Test(
    "workers that end because there are to be fewer are counted apart",
    arguments: [
      (0, 1, "0/1 worker"), (16, 16, "16/16 workers"), (28, 16, "16 workers + 12 ending"),
      (2, 1, "1 worker + 1 ending"), (Int.max, Int.min, "\(Int.max)/\(Int.min) workers"),
    ])
  func ending(open: Int, poolSize: Int, words: String) throws {
    var snapshot = try Self.snapshot()
    (snapshot.open, snapshot.poolSize) = (open, poolSize)
    #expect(Wording.pool(snapshot) == words)
  }

  @Test(
    "no number is too odd to be shown",
    arguments: [Double.nan, .infinity, -.infinity, -1e300, 1e300, 0, -0.0],
    [Int64.min, -1, 0, 1, Int64.max])
  func oddNumbers(rate: Double, bytes: Int64) throws {
    var snapshot = try Self.snapshot()
    snapshot.bytesPerSecond = rate
    snapshot.seconds = rate
    for size in [Int64.min, 0, 1, Int64.max] {
      snapshot.blobs = try (0..<3).map { try Self.blob($0, .fetching, bytes, size) }
      #expect(!BarRenderer(columns: 80, rows: 24).lines(snapshot).isEmpty)
      #expect(JSONRenderer().line(.snapshot(snapshot)).hasPrefix("{"))
      #expect(!Wording.percent(bytes, of: size).isEmpty)
      let summary = ProgressEvent.Summary(
        reference: "r", digest: snapshot.blobs[0].digest, bytes: size, fetched: bytes,
        seconds: rate, requests: 0, connections: 0, retries: 0, poolSize: 0)
      #expect(!Wording.summary(summary).isEmpty)
    }
    #expect(!Wording.clock(rate).isEmpty && !Wording.seconds(rate).isEmpty)
  }

  @Test(
    "no line is as wide as the terminal, whatever its size",
    arguments: [1, 20, 40, 60, 61, 80, 100, 500], [1, 3, 4, 10, 50])
  func fits(columns: Int, rows: Int) throws {
    var snapshot = try Self.snapshot()
    snapshot.blobs = try (1...9).map { try Self.blob($0, .fetching, 1, 100) }
    let lines = BarRenderer(columns: columns, rows: rows).lines(snapshot)
    #expect(lines.allSatisfy { $0.count < max(20, columns) })
    #expect(lines.count <= max(3, rows))
    #expect(lines.count >= 2)
  }

  @Test("says how many lines it leaves out")
  func leavesOut() throws {
    var snapshot = try Self.snapshot()
    snapshot.blobs = try (1...9).map { try Self.blob($0, .fetching, 1, 100) }
    let lines = BarRenderer(columns: 80, rows: 7).lines(snapshot)
    #expect(lines.count == 6)
    #expect(lines[4] == "  … and 5 more")
  }

  @Test("erases exactly what it drew, also after the terminal shrank")
  func erases() {
    let row = "\u{1B}[A\u{1B}[2K"
    #expect(BarDisplay.erase([], columns: 80) == "")
    #expect(BarDisplay.erase([10, 70], columns: 80) == "\r" + row + row)
    #expect(BarDisplay.erase([10, 70], columns: 40) == "\r" + row + row + row)
    #expect(BarDisplay.erase([0, 80], columns: 40) == "\r" + row + row + row)
  }

  @Test("plain lines tell what changed, and the whole now and then")
  func plainLines() throws {
    var plain = PlainRenderer()
    let snapshot = try Self.snapshot()
    func line(_ event: ProgressEvent) -> String? { plain.line(event) }
    #expect(line(.started(reference: "ubuntu")) == "pulling ubuntu")
    #expect(line(.pool(workers: 4, reason: "2 x CPU")) == "starting with 4 workers: 2 x CPU")
    // Later changes are in the bars, and in the explanation at the end.
    #expect(line(.pool(workers: 8, reason: "room")) == nil)
    #expect(line(.blob(snapshot.blobs[0])) == "config 000000000000: done, 1.5 KiB")
    #expect(line(.blob(snapshot.blobs[1])) == nil)
    #expect(line(.blob(snapshot.blobs[3])) == "layer 3 300000000000: another cairn is fetching it")
    #expect(
      line(.snapshot(snapshot)) == " 23 % 6.0 MiB of 26.0 MiB, 2.5 MiB/s, 4 workers, ETA 0:08")
    #expect(line(.snapshot(snapshot)) == nil)
    #expect(line(.warning("w")) == "warning: w")
  }

  @Test("a process that is waited for, and stopped, is called that")
  func stoppedProcess() throws {
    var blob = try Self.snapshot().blobs[3]
    blob.process = 77
    (blob.done, blob.size) = (24, 100)
    #expect(Wording.state(blob) == "process 77 is fetching it, 24 %")
    blob.isStopped = true
    #expect(Wording.state(blob) == "process 77 is stopped at 24 %; taken over after a while")
  }

  @Test("the last line says what was fetched and what was not")
  func summaries() throws {
    var summary = ProgressEvent.Summary(
      reference: "u", digest: try Digest("sha256:" + String(repeating: "a", count: 64)),
      bytes: 30 << 20,
      fetched: 20 << 20, seconds: 4, requests: 5, connections: 4, retries: 0, poolSize: 1)
    #expect(
      Wording.summary(summary)
        == "pulled u: 20.0 MiB in 4.0 s (5.0 MiB/s, 1 worker), 10.0 MiB were here already")
    summary.fetched = 0
    #expect(Wording.summary(summary) == "u is up to date (30.0 MiB, 4.0 s)")
  }

  @Test("JSON lines are one object each, with version and event")
  func jsonLines() throws {
    let digest = try Digest("sha256:" + String(repeating: "a", count: 64))
    let events: [ProgressEvent] = [
      .started(reference: "u"), .pool(workers: 1, reason: "r"),
      .resolved(
        reference: "x/y", digest: digest, platform: "linux/amd64", platformDigest: nil, blobs: 2,
        bytes: 3, present: 1
      ),
      .snapshot(try Self.snapshot()), .blob(try Self.blob(1, .fetching, 1, 2)), .warning("a\nb"),
      .wrote(output: "dir:x"),
      .failed(.init(message: "m", hint: nil, exitCode: 69)),
    ]
    let lines = events.map { JSONRenderer().line($0) }
    for line in lines {
      #expect(!line.contains("\n"))
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      #expect(object?["v"] as? Int == 1 && object?["event"] is String)
    }
    #expect(lines[0] == #"{"event":"started","reference":"u","v":1}"#)
    #expect(lines[1] == #"{"event":"pool","poolReason":"r","poolSize":1,"v":1}"#)
    #expect(lines[7] == #"{"event":"failed","exitCode":69,"message":"m","v":1}"#)
    #expect(
      lines[3]
        == #"{"blobs":5,"blobsDone":1,"bytes":27264476,"bytesDone":6292956,"bytesPerSecond":2621440,"etaSeconds":8,"event":"progress","open":3,"poolSize":4,"seconds":7,"v":1}"#
    )
  }

  @Test(
    "clocks",
    arguments: [
      (0.0, "0:00"), (6.2, "0:07"), (725, "12:05"), (3_723, "1:02:03"), (1e9, "-:--"),
      (.infinity, "-:--"),
    ])
  func clocks(seconds: Double, expected: String) {
    #expect(Wording.clock(seconds) == expected)
  }

  @Test(
    "waits and mirrors given up have a line in every form",
    arguments: [
      (
        ProgressEvent.waiting(seconds: 4, reason: "h is limiting requests"),
        "waiting 4 s: h is limiting requests",
        #"{"event":"waiting","message":"h is limiting requests","seconds":4,"v":1}"#
      ),
      (
        .waiting(seconds: 1.26, reason: "x"), "waiting 1.3 s: x",
        #"{"event":"waiting","message":"x","seconds":1.26,"v":1}"#
      ),
      (
        .waiting(seconds: 3600.4, reason: "x"), "waiting 3600 s: x",
        #"{"event":"waiting","message":"x","seconds":3600.4,"v":1}"#
      ),
      (
        .late("m:5000", reason: "has not answered for 2 s; the next server is asked, too"),
        "m:5000 has not answered for 2 s; the next server is asked, too",
        #"{"event":"late","message":"has not answered for 2 s; the next server is asked, too","#
          + #""server":"m:5000","v":1}"#
      ),
      (
        .mirrorGivenUp("m:5000", reason: "no answer"),
        "the mirror m:5000 is not asked any more: no answer",
        #"{"event":"mirrorGivenUp","message":"no answer","mirror":"m:5000","v":1}"#
      ),
    ] as [(ProgressEvent, String, String)])
  func notices(event: ProgressEvent, plain: String, json: String) {
    var renderer = PlainRenderer()
    #expect(renderer.line(event) == plain)
    #expect(JSONRenderer().line(event) == json)
  }
}
