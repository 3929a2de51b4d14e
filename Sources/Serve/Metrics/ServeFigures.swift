import Downloads
import Metrics
import OCI

/// What the endpoint counts, as a value: inputs in, `families` out; seconds are of any steady clock.
///
/// Every label is one of a closed set, or cut off at `mostNames`: who asks for ten thousand names
/// grows no table here.
package struct ServeFigures: Sendable {
  /// What a request asks for; one label each.
  package enum Request: String, CaseIterable, Sendable {
    case base, manifest, blob, tags, referrers, metrics, health, other
  }

  /// What went wrong; one label each.
  package enum Failure: String, CaseIterable, Sendable {
    /// The registry, or the way to it.
    case upstream
    /// Content did not have its digest.
    case content
    /// The caller was refused.
    case refused
    /// What came on a port that speaks TLS was none, or not in time.
    case handshake
    /// The request is none that is served.
    case request
    /// The caller left before the end.
    case left
    /// The caller took nothing for too long, or asked nothing.
    case slow
    /// Disk or store.
    case disk
    /// Anything else.
    case other
  }

  /// Names of registries that have a label of their own.
  static let mostNames = 64
  /// Seconds after which an overview says nothing of the present.
  static let freshSeconds = 2.0

  private struct Answer: Hashable {
    var request: Request
    var method: String
    var status: Int
  }

  private var answers: [Answer: Int64] = [:]
  private var heads: [Request: (count: Int64, seconds: Double)] = [:]
  private var failures: [Failure: Int64] = [:]
  var connections: (open: Int64, total: Int64, refused: Int64) = (0, 0, 0)
  var running: Int64 = 0
  /// Bytes of answers in memory.
  var held: Int64 = 0
  private var sent: Int64 = 0
  private var sendRate = ByteRate()
  var cache = CacheFigures()
  var downloads = DownloadFigures()

  // MARK: Inputs

  /// A request's head was answered.
  ///
  /// - Parameter seconds: from the last byte of the request's head to the first of the answer's.
  mutating func answered(_ request: Request, method: String, status: Int, seconds: Double) {
    let known = ["GET", "HEAD"].contains(method) ? method : "other"
    let code = (100...599).contains(status) ? status : 0
    answers[Answer(request: request, method: known, status: code), default: 0] += 1
    let old = heads[request] ?? (0, 0)
    heads[request] = (old.count + 1, old.seconds + max(0, seconds))
  }

  /// Something went wrong.
  mutating func failed(_ failure: Failure) { failures[failure, default: 0] += 1 }

  /// Bytes of bodies went to callers.
  mutating func sent(_ bytes: Int64, at seconds: Double) {
    sent = sent.addingClamped(max(0, bytes))
    sendRate.note(total: sent, at: seconds)
  }

  // MARK: Output

  /// Everything, in the order in which it is shown.
  func families(at seconds: Double) -> [MetricFamily] {
    let requests = answers.sorted {
      ($0.key.request.rawValue, $0.key.method, $0.key.status)
        < ($1.key.request.rawValue, $1.key.method, $1.key.status)
    }
    return [
      MetricFamily(
        "cairn_requests_total", "Requests answered, by what they ask for.", .counter,
        requests.map {
          MetricFamily.Sample(
            labels: [
              ("kind", $0.key.request.rawValue), ("method", $0.key.method),
              ("status", String($0.key.status)),
            ], value: Double($0.value))
        }),
      MetricFamily(
        "cairn_head_seconds", "Seconds from a request to the head of its answer.", .summary,
        heads.sorted { $0.key.rawValue < $1.key.rawValue }.flatMap { kind, head in
          let labels = [(name: "kind", value: kind.rawValue)]
          return [
            MetricFamily.Sample(suffix: "_sum", labels: labels, value: head.seconds),
            MetricFamily.Sample(suffix: "_count", labels: labels, value: Double(head.count)),
          ]
        }),
      MetricFamily(
        "cairn_errors_total", "What went wrong.", .counter,
        Failure.allCases.map {
          .init(labels: [("kind", $0.rawValue)], value: Double(failures[$0] ?? 0))
        }),
      MetricFamily("cairn_requests_running", "Requests under way.", .gauge, Double(running)),
      MetricFamily(
        "cairn_answer_bytes", "Memory for answers that are no content: lists, mostly.", .gauge,
        Double(held)),
      MetricFamily("cairn_connections", "Callers' connections.", .gauge, Double(connections.open)),
      MetricFamily(
        "cairn_connections_total", "Callers' connections so far.", .counter,
        Double(connections.total)),
      MetricFamily(
        "cairn_connections_refused_total", "Connections beyond the limit, or that gave way.",
        .counter,
        Double(connections.refused)),
      MetricFamily(
        "cairn_client_bytes_total", "Bytes of bodies sent to callers.", .counter, Double(sent)),
      MetricFamily(
        "cairn_client_bytes_per_second", "Bytes of bodies sent a second, of late.", .gauge,
        sendRate.perSecond(at: seconds)),
    ] + downloads.families(at: seconds) + cache.families
  }
}
