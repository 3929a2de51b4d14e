import Metrics
import OCI
import Testing

@testable import Downloads
@testable import Serve

struct MetricTests {
  static let digest = try? Digest("sha256:" + String(repeating: "ab", count: 32))

  @Test("requests are counted by kind, method and status, and odd ones fall together")
  func countsRequests() {
    var figures = ServeFigures()
    figures.answered(.blob, method: "GET", status: 206, seconds: 0.5)
    figures.answered(.blob, method: "GET", status: 206, seconds: 0.25)
    figures.answered(.manifest, method: "HEAD", status: 200, seconds: -1)
    for number in 0..<100 {
      figures.answered(.other, method: "M\(number)", status: 1000 + number, seconds: 0)
    }
    figures.failed(.content)
    let text = text(figures)
    #expect(text.contains("cairn_requests_total{kind=\"blob\",method=\"GET\",status=\"206\"} 2\n"))
    #expect(
      text.contains("cairn_requests_total{kind=\"manifest\",method=\"HEAD\",status=\"200\"} 1\n"))
    #expect(
      text.contains("cairn_requests_total{kind=\"other\",method=\"other\",status=\"0\"} 100\n"))
    #expect(text.contains("cairn_head_seconds_sum{kind=\"blob\"} 0.75\n"))
    #expect(text.contains("cairn_head_seconds_count{kind=\"blob\"} 2\n"))
    #expect(text.contains("cairn_head_seconds_sum{kind=\"manifest\"} 0\n"))
    #expect(text.contains("cairn_errors_total{kind=\"content\"} 1\n"))
    #expect(text.contains("cairn_errors_total{kind=\"disk\"} 0\n"))
  }

  @Test("a blob's bytes are counted as they come, once, and again where it is fetched again")
  func countsBytes() throws {
    var figures = ServeFigures()
    var blob = DownloadProgress(digest: try #require(Self.digest), size: 100)
    func fetched(_ bytes: Int64, _ state: DownloadProgress.State = .fetching) -> DownloadProgress {
      blob.cost.fetched = bytes
      blob.state = state
      return blob
    }
    figures.downloads.note(overview([fetched(40)]), at: 1)
    figures.downloads.note(overview([fetched(70)]), at: 2)
    figures.downloads.note(.blob(fetched(100, .done)), at: 3)
    #expect(text(figures).contains("cairn_upstream_bytes_total 100\n"))
    figures.downloads.note(overview([]), at: 4)
    figures.downloads.note(.blob(fetched(0)), at: 5)
    figures.downloads.note(.blob(fetched(100, .done)), at: 6)
    figures.downloads.received(5)
    #expect(text(figures).contains("cairn_upstream_bytes_total 205\n"))
  }

  @Test("what an overview says of the present is forgotten when no other follows")
  func forgets() {
    var figures = ServeFigures()
    figures.downloads.note(overview([]), at: 10)
    let fresh = MetricFormat.prometheus.text(figures.families(at: 11))
    #expect(fresh.contains("cairn_upstream_bytes_per_second 1000\n"))
    #expect(fresh.contains("cairn_upstream_requests_open 3\n"))
    let stale = MetricFormat.prometheus.text(figures.families(at: 13))
    #expect(stale.contains("cairn_upstream_bytes_per_second 0\n"))
    #expect(stale.contains("cairn_upstream_requests_open 0\n"))
  }

  @Test("the rate to callers is that of the last seconds, and nothing after a silence")
  func rates() {
    var rate = ByteRate()
    #expect(rate.perSecond(at: 0) == 0)
    for step in 1...400 { rate.note(total: Int64(step) * 10, at: Double(step) / 10) }
    #expect(abs(rate.perSecond(at: 40) - 100) < 5)
    #expect(rate.perSecond(at: 46) == 0)
    rate.note(total: 4500, at: 100)
    #expect(rate.perSecond(at: 101) == 500)
    // Adding to a list for each chunk would be one for each of a million.
    for step in 0..<10_000 { rate.note(total: 4500 + Int64(step), at: 101 + Double(step) / 10_000) }
    #expect(rate.held < 40)
  }

  @Test("many threads lose no count")
  func isSafe() async {
    let metrics = ServeMetrics(.init(version: "1"))
    await withTaskGroup { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<500 {
            metrics.connected()
            metrics.sent(3)
            metrics.cache { $0.hits += 1 }
            metrics.disconnected()
          }
        }
      }
    }
    let text = metrics.text
    #expect(text.contains("cairn_client_bytes_total 12000\n"))
    #expect(text.contains("cairn_connections_total 4000\n"))
    #expect(text.contains("cairn_connections 0\n"))
    #expect(text.contains("cairn_cache_hits_total 4000\n"))
  }

  @Test(
    "what became of a request is counted as what it was",
    arguments: [
      ("/v2/", 200, Answer.Origin.own, "base", "", 0, 0),
      (
        "/v2/a/blobs/sha256:\(String(repeating: "ab", count: 32))?ns=r.io", 206, .cache, "blob", "",
        1, 0
      ),
      ("/v2/r.io/a/manifests/x", 200, .upstream, "manifest", "", 0, 1),
      ("/v2/r.io/a/manifests/x", 404, .upstream, "manifest", "request", 0, 0),
      ("/v2/r.io/a/tags/list", 401, .upstream, "tags", "refused", 0, 0),
      ("/metrics", 200, .own, "metrics", "", 0, 0), ("/x", 404, .own, "other", "request", 0, 0),
      ("/v2/r.io/a/manifests/x", 502, .own, "manifest", "upstream", 0, 0),
    ] as [(String, Int, Answer.Origin, String, String, Int, Int)])
  func countsRecords(
    _ target: String, _ status: Int, _ origin: Answer.Origin, _ kind: String, _ failure: String,
    _ hits: Int, _ misses: Int
  ) {
    let metrics = ServeMetrics(.init(version: "1"))
    metrics.note(
      RequestRecord(
        peer: .process(uid: nil), method: "GET", target: target, status: status, bytes: 0,
        headSeconds: 0.5, seconds: 1, origin: origin, isComplete: true))
    let text = metrics.text
    #expect(
      text.contains(
        "cairn_requests_total{kind=\"\(kind)\",method=\"GET\",status=\"\(status)\"} 1\n"))
    for one in ServeFigures.Failure.allCases {
      let count = one.rawValue == failure ? 1 : 0
      #expect(text.contains("cairn_errors_total{kind=\"\(one.rawValue)\"} \(count)\n"))
    }
    #expect(text.contains("cairn_cache_hits_total \(hits)\n"))
    #expect(text.contains("cairn_cache_misses_total \(misses)\n"))
  }

  @Test("what was set as a limit is shown, and what was not is left out")
  func showsLimits() {
    let text = ServeMetrics(.init(version: "1\"2", maxWorkers: 8, limitRate: 5000)).text
    #expect(text.hasPrefix("# HELP cairn_build_info"))
    #expect(text.contains("cairn_build_info{version=\"1\\\"2\"} 1\n"))
    #expect(text.contains("cairn_limit{of=\"workers\"} 8\n"))
    #expect(text.contains("cairn_limit{of=\"bytes_per_second\"} 5000\n"))
    #expect(!text.contains("of=\"connections\""))
    #expect(!text.contains("cairn_cache_limit_bytes"))
  }

  private func overview(_ blobs: [DownloadProgress]) -> DownloadEvent {
    .overview(.init(blobs: blobs, seconds: 1, bytesPerSecond: 1000, poolSize: 4, open: 3))
  }

  private func text(_ figures: ServeFigures) -> String {
    MetricFormat.prometheus.text(figures.families(at: 100))
  }
}
