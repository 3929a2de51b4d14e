import Testing
@testable import Transfer

@Suite("Readings")
struct ReadingsTests {
  @Test(
    "round trips are those of the server with most connections, of those that are asked about",
    arguments: [
      (nil, [0.1, 0.2, 0.3]), (["near"], [0.01, 0.02]), (["near", "far"], [0.1, 0.2, 0.3]),
      (["nobody"], []),
    ] as [(Set<String>?, [Double])])
  func servers(hosts: Set<String>?, expected: [Double]) {
    var readings = EngineReadings()
    for (host, trips) in [("near", [0.01, 0.02]), ("far", [0.1, 0.2, 0.3])] {
      var known = EngineReadings.RoundTrips()
      known.now = trips
      known.smallest = trips[0]
      readings.servers[host] = known
    }
    #expect(readings.roundTrips(of: hosts).now == expected)
    #expect(readings.roundTrips(of: hosts).smallest == expected.first)
  }

  @Test(
    "writing is the disk's only as far as the engine slept over it",
    arguments: [
      // Busy, writing and runnable seconds of one, and the disk's part.
      (0.9, 0.8, 0.1, 0.8), (0.9, 0.8, 0.9, 0), (0.9, 0.6, 0.5, 0.4), (0.2, 0.1, 1, 0),
      (0.5, 0.9, nil, 0.5), (0.9, 0.8, nil, 0.8), (1.4, 1.2, 0.3, 0.7), (0, 0, 0, 0),
    ] as [(Double, Double, Double?, Double)])
  func disk(busy: Double, writing: Double, runnable: Double?, disk: Double) {
    var (first, second) = (EngineReadings(), EngineReadings())
    (first.busySeconds, first.diskSeconds) = (3, 2)
    (second.busySeconds, second.diskSeconds) = (3 + busy, 2 + writing)
    (first.runnableSeconds, second.runnableSeconds) = (
      runnable.map { _ in 5 }, runnable.map { 5 + $0 }
    )
    let load = second.load(since: first, seconds: 1)
    #expect(abs(load.disk - disk) < 1e-9 && abs(load.busy - min(1, busy)) < 1e-9)
  }

  @Test(
    "what the kernel says of a thread is read, and nothing where it counts nothing",
    arguments: [
      ("1500000000 500000000 12\n", 2.0), ("0 0 0\n", nil), ("", nil), ("7", nil), ("-1 5 3", nil),
      ("18446744073709551615 18446744073709551615 1", 36_893_488_147.419),
      ("99999999999999999999 1 1", nil),
    ] as [(String, Double?)])
  func kernel(text: String, seconds: Double?) {
    let found = ThreadLoad.runnableSeconds(text)
    #expect(found.map { ($0 * 1e3).rounded() } == seconds.map { ($0 * 1e3).rounded() })
  }

  @Test("a thread's own time is known on this kernel")
  func own() { #expect(ThreadLoad()?.runnableSeconds.map { $0 > 0 } ?? false) }
}
