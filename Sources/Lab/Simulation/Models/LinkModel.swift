package import FoundationEssentials

/// A network path: the line, its server, and the machine at its end.
///
/// The files in `models/` hold one each; `models/README.md` documents the schema. The simulator and
/// the link lab read the same files.
package struct LinkModel: Sendable, Equatable {
  /// The server's behaviour.
  package struct Server: Sendable, Equatable {
    /// Bytes per second that the server sends in all, without a queue; infinite: no limit.
    package var rate = Double.infinity
    /// Requests that are served at a time; more get 429.
    package var connectionLimit: Int?
    /// The `Retry-After` of a 429, in seconds; nil: none is sent.
    package var retryAfter: Double?
    /// Requests served at a time beyond which throughput falls.
    package var overloadBeyond: Int?
    /// How much each request beyond that takes: the rate is divided by `1 + slope x excess`.
    package var overloadSlope = 0.0
    /// Seconds that it thinks before a response.
    package var responseSeconds = 0.0
    /// Whether blobs are answered with a redirect to another host first.
    package var redirects = false
  }

  /// The machine that pulls.
  package struct Client: Sendable, Equatable {
    /// CPU seconds that a gigabyte costs.
    package var cpuSecondsPerGigabyte = 0.0
    /// CPUs.
    package var cpus = 2
    /// Bytes per second that its disk takes; infinite: no limit.
    package var diskRate = Double.infinity
    /// Bytes per second that its user allows, which no file says; infinite: no limit.
    package var allowedRate = Double.infinity

    /// Bytes per second that the machine can take in.
    ///
    /// One thread runs the transfers, at about 60 % of the cost; hashing has threads of its own.
    package var limit: Double {
      guard cpuSecondsPerGigabyte > 0 else { return diskRate }
      let oneThread = 1e9 / (0.6 * cpuSecondsPerGigabyte)
      return min(diskRate, oneThread, Double(cpus) * 1e9 / cpuSecondsPerGigabyte)
    }
  }

  /// What becomes different at a moment; nil: as before.
  package struct Change: Sendable, Equatable {
    /// Seconds after the first pull's start.
    package var at: Double
    /// Bytes per second.
    package var bandwidth: Double?
    /// Seconds.
    package var roundTrip: Double?
    /// Bytes per second of each connection.
    package var perConnection: Double?
    /// Share of packets lost.
    package var loss: Double?
  }

  /// Other people's long downloads on the same line.
  package struct CrossTraffic: Sendable, Equatable {
    /// Connections.
    package var flows: Int
    /// When they begin, in seconds.
    package var from: Double
    /// When they end, in seconds.
    package var until: Double
  }

  /// Its name, as on the command line.
  package var name: String
  /// What it stands for, in one sentence.
  package var about: String
  /// Bytes per second of the narrowest part of the line.
  package var bandwidth: Double
  /// Seconds of a round trip on an idle line.
  package var roundTrip: Double
  /// Bytes that wait in front of the narrowest part before packets are dropped.
  package var buffer: Double
  /// Bytes per second of each connection; infinite: no limit.
  package var perConnection = Double.infinity
  /// Whether the server counts that rate by the second: each second's bytes at once, then nothing, as
  /// nginx's `limit_rate` does.
  package var perConnectionBySecond = false
  /// Share of packets that are lost at random.
  package var loss = 0.0
  /// Relative standard deviation of the bandwidth, with a memory of about a second.
  package var rateNoise = 0.0
  /// Mean of the exponential noise that this machine adds to every timing, in seconds.
  package var timingNoise = 0.002
  /// Packets of a new connection's first round trip.
  package var initialWindow = 10.0
  /// Whether senders leave slow start when a queue grows (HyStart), as Linux does.
  package var leavesSlowStartEarly = true
  /// Round trips of a TLS handshake: 0 (plain), 1 (1.3) or 2 (1.2).
  package var tlsRoundTrips = 0
  /// CPU seconds of a TLS handshake on this machine.
  package var tlsSeconds = 0.0
  /// The server.
  package var server = Server()
  /// The machine that pulls.
  package var client = Client()
  /// What changes with time, by time.
  package var changes: [Change] = []
  /// Others on the line.
  package var crossTraffic: [CrossTraffic] = []

  /// Makes a plain line.
  ///
  /// - Parameters:
  ///   - name: its name.
  ///   - about: what it stands for.
  ///   - bandwidth: bytes per second.
  ///   - roundTrip: seconds.
  ///   - buffer: bytes.
  package init(
    name: String, about: String = "", bandwidth: Double, roundTrip: Double, buffer: Double
  ) {
    self.name = name
    self.about = about
    self.bandwidth = bandwidth
    self.roundTrip = roundTrip
    self.buffer = buffer
  }

  /// Seconds before an image's layers are asked for: handshakes, then one answer each that wants a
  /// token, brings it, brings the manifest, and shows where blobs are.
  package var resolvingSeconds: Double { Double(1 + tlsRoundTrips + 4) * roundTrip + tlsSeconds }

  /// What kinds of link are judged apart.
  package enum Kind: String, Sendable, CaseIterable {
    /// The same all the time, and no harm in many workers.
    case steady
    /// Changes with time, or is shared with others.
    case changing
    /// Refuses or slows down many workers.
    case punishing
  }

  /// The link's kind.
  package var kind: Kind {
    if server.connectionLimit != nil || server.overloadBeyond != nil { return .punishing }
    return changes.isEmpty && crossTraffic.isEmpty ? .steady : .changing
  }
}

extension LinkModel {
  private static let megabit = 125_000.0

  /// Reads a model file.
  ///
  /// - Parameter data: JSON; see `models/README.md`.
  /// - Throws: `ModelError`, which names the field.
  package init(json data: Data) throws(ModelError) {
    var fields = try ModelFields(data)
    try self.init(&fields)
    try fields.finish()
  }

  private init(_ fields: inout ModelFields) throws(ModelError) {
    name = try fields.text("name")
    about = try fields.text("about")
    bandwidth = try fields.number("bandwidthMbit", 0.01...100_000) * Self.megabit
    roundTrip = try fields.number("roundTripMs", 0.05...5_000) / 1e3
    buffer = try fields.number("bufferKiB", 3...1_048_576) * 1024
    if let cap = try fields.optionalNumber("perConnectionMbit", 0.01...100_000) {
      perConnection = cap * Self.megabit
    }
    perConnectionBySecond = try fields.flag("perConnectionBySecond") ?? false
    loss = try fields.optionalNumber("loss", 0...0.2) ?? loss
    rateNoise = try fields.optionalNumber("rateNoise", 0...0.5) ?? rateNoise
    timingNoise =
      try fields.optionalNumber("timingNoiseMs", 0...1_000).map { $0 / 1e3 } ?? timingNoise
    initialWindow = try fields.optionalNumber("initialWindow", 1...100) ?? initialWindow
    leavesSlowStartEarly = try fields.flag("hystart") ?? leavesSlowStartEarly
    if let tls = try fields.group("tls", Self.readTLS) { (tlsRoundTrips, tlsSeconds) = tls }
    server = try fields.group("server", Self.readServer) ?? server
    client = try fields.group("client", Self.readClient) ?? client
    changes = try fields.list("changes", Self.readChange)
    for index in changes.indices.dropFirst() where changes[index].at < changes[index - 1].at {
      throw ModelError(
        field: "changes[\(index)].atSeconds", reason: "lies before the one before it")
    }
    crossTraffic = try fields.list("crossTraffic", Self.readCrossTraffic)
  }

  private static func readTLS(_ fields: inout ModelFields) throws(ModelError) -> (Int, Double) {
    let roundTrips = try fields.number("roundTrips", 0...4)
    let seconds = try fields.optionalNumber("cpuMs", 0...1_000) ?? 0
    return (Int(roundTrips), seconds / 1e3)
  }

  private static func readServer(_ fields: inout ModelFields) throws(ModelError) -> Server {
    var server = Server()
    if let rate = try fields.optionalNumber("rateMbit", 0.01...1_000_000) {
      server.rate = rate * megabit
    }
    server.connectionLimit = try fields.optionalNumber("connectionLimit", 1...1_000_000).map {
      Int($0)
    }
    server.retryAfter = try fields.optionalNumber("retryAfterSeconds", 0...86_400)
    server.overloadBeyond = try fields.optionalNumber("overloadBeyond", 1...1_000_000).map {
      Int($0)
    }
    server.overloadSlope = try fields.optionalNumber("overloadSlope", 0...10) ?? 0
    server.responseSeconds =
      try fields.optionalNumber("responseMs", 0...60_000).map { $0 / 1e3 } ?? 0
    server.redirects = try fields.flag("redirects") ?? false
    return server
  }

  private static func readClient(_ fields: inout ModelFields) throws(ModelError) -> Client {
    var client = Client()
    client.cpuSecondsPerGigabyte =
      try fields.optionalNumber("cpuSecondsPerGigabyte", 0...1_000) ?? 0
    client.cpus = Int(try fields.optionalNumber("cpus", 1...1_024) ?? 2)
    if let rate = try fields.optionalNumber("diskMegabytesPerSecond", 0.1...100_000) {
      client.diskRate = rate * 1e6
    }
    return client
  }

  private static func readChange(_ fields: inout ModelFields) throws(ModelError) -> Change {
    Change(
      at: try fields.number("atSeconds", 0...100_000),
      bandwidth: try fields.optionalNumber("bandwidthMbit", 0.01...100_000).map { $0 * megabit },
      roundTrip: try fields.optionalNumber("roundTripMs", 0.05...5_000).map { $0 / 1e3 },
      perConnection: try fields.optionalNumber("perConnectionMbit", 0.01...100_000).map {
        $0 * megabit
      },
      loss: try fields.optionalNumber("loss", 0...0.2))
  }

  private static func readCrossTraffic(_ fields: inout ModelFields) throws(ModelError)
    -> CrossTraffic
  {
    CrossTraffic(
      flows: Int(try fields.number("flows", 1...1_000)),
      from: try fields.number("fromSeconds", 0...100_000),
      until: try fields.number("untilSeconds", 0...100_000))
  }
}
