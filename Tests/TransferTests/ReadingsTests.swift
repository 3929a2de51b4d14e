import Testing
import Transfer

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
}
