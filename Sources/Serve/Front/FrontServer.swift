import Disk
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// The HTTP server: takes connections and has their requests answered.
///
/// ```
/// serving -> draining   drain: nobody is let in, connections without a request end, others with their answer
/// draining -> closed    the last connection has ended, or its time has
/// ```
package final class FrontServer: Sendable {
  private struct State {
    /// With what tells that each of them has ended, and its name is gone.
    var listeners: [(channel: any Channel, gone: EventLoopFuture<Void>)] = []
    var connections: [ObjectIdentifier: any Channel] = [:]
    var shelf: ConnectionShelf<ObjectIdentifier>
    var isEnding = false
    var waiters: [CheckedContinuation<Void, Never>] = []

    init(most: Int) { shelf = ConnectionShelf(most: most) }
  }

  /// Bytes that are read of a connection at a time: requests are small, and all that are read become heads in
  /// memory before the first has its answer.
  private static let readBytes = 4 << 10

  private let answerer: Answerer
  private let settings: FrontSettings
  private let log: @Sendable (RequestRecord) -> Void
  private let group: any EventLoopGroup
  private let state: Mutex<State>

  /// Makes a server that listens nowhere yet.
  ///
  /// - Parameters:
  ///   - answerer: answers requests.
  ///   - settings: what bounds it.
  ///   - log: told of each request when its answer has ended.
  package init(
    _ answerer: Answerer, settings: FrontSettings,
    log: @escaping @Sendable (RequestRecord) -> Void = { _ in }
  ) {
    self.answerer = answerer
    self.settings = settings
    self.log = log
    group = MultiThreadedEventLoopGroup.singleton
    state = Mutex(State(most: settings.connections))
  }

  /// Listens at a place.
  ///
  /// - Returns: the port; 0 for a socket in the file system.
  /// - Throws: why it cannot.
  @discardableResult
  package func listen(at place: ListenPlace) async throws -> Int {
    let bootstrap = bootstrap()
    let listener: any Channel
    var socket: LocalSocket?
    switch place {
    case .network(let host, let port):
      do {
        listener = try await bootstrap.bind(host: host, port: port).get()
      } catch let error as IOError {
        throw ListenFailure(code: error.errnoCode)
      }
    case .path(let path):
      let made = try LocalSocket(path)
      listener = try await bootstrap.withBoundSocket(try made.bound()).get()
      socket = made
    }
    keep(listener, socket)
    return listener.localAddress?.port ?? 0
  }

  /// Listens on a socket that somebody else has made and listens on.
  package func listen(on descriptor: Int32) async throws {
    keep(try await bootstrap().withBoundSocket(descriptor).get(), nil)
  }

  /// Remembers a listener until it has ended, and its socket's name with it.
  private func keep(_ listener: any Channel, _ socket: LocalSocket?) {
    let gone = listener.closeFuture.map { socket?.remove() ?? () }
    state.withLock { $0.listeners.append((listener, gone)) }
  }

  private func bootstrap() -> ServerBootstrap {
    ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 512)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(
        .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.readBytes)
      )
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try self.begin(channel) }
      }
  }

  // MARK: Connections

  private func begin(_ channel: any Channel) throws {
    let peer = try Self.peer(channel)
    if case .network = peer { try LifeSigns.ask(of: channel) }
    try takeIn(channel, peer)
    answerer.metrics?.connected()
    channel.closeFuture.whenComplete { _ in
      self.answerer.metrics?.disconnected()
      self.end(channel)
    }
    do {
      try answer(channel, peer)
    } catch {
      leave(channel)
      throw error
    }
  }

  /// Has a connection's requests answered; its place is free when nothing is done for it any more.
  private func answer(_ channel: any Channel, _ peer: Caller.Peer) throws {
    let isEncrypted = try encrypt(channel, peer)
    let (requests, feed) = AsyncStream.makeStream(of: HTTPRequestHead.self)
    try channel.pipeline.syncOperations.addHandler(InputEndHandler())
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderFieldSize = settings.headBytes
    limits.maxHeaderListSize = settings.headBytes
    limits.maxHeaderFieldCount = settings.headFields
    try channel.pipeline.syncOperations.configureHTTPServerPipeline(
      withPipeliningAssistance: true, withErrorHandling: true,
      withEncoderConfiguration: .init(), withDecoderLimitConfiguration: limits)
    let id = ObjectIdentifier(channel)
    let handler = ConnectionHandler(settings, requests: feed) { isBusy in
      self.state.withLock { isBusy ? $0.shelf.noteBusy(id) : $0.shelf.noteSilent(id) }
    }
    try channel.pipeline.syncOperations.addHandler(handler)
    let connection = Connection(
      channel: channel, peer: peer, isEncrypted: isEncrypted, answerer: answerer,
      rule: Self.guardian(channel, settings.names, isTLS: isEncrypted),
      isEnding: { self.isEnding }, log: log)
    let task = Task {
      await connection.run(requests)
      self.leave(channel)
    }
    channel.closeFuture.whenComplete { _ in task.cancel() }
  }

  /// Takes a connection in, where there is room or a silent one gives way.
  private func takeIn(_ channel: any Channel, _ peer: Caller.Peer) throws {
    let isLocal = if case .process = peer { true } else { false }
    let (isIn, other) = state.withLock { state -> (Bool, (any Channel)?) in
      guard !state.isEnding else { return (false, nil) }
      let id = ObjectIdentifier(channel)
      var other: (any Channel)?
      switch state.shelf.admit(id, isLocal: isLocal) {
      case .refused: return (false, nil)
      case .inPlace(let silent): other = state.connections[silent]
      case .taken: break
      }
      state.connections[id] = channel
      return (true, other)
    }
    guard isIn else {
      answerer.metrics?.refusedConnection()
      throw ChannelError.connectPending
    }
    guard let other else { return }
    answerer.metrics?.refusedConnection()
    other.close(promise: nil)
  }

  /// Has a connection speak TLS, where it is one that does: a socket in the file system has no need of it.
  ///
  /// - Returns: whether it does.
  private func encrypt(_ channel: any Channel, _ peer: Caller.Peer) throws -> Bool {
    guard let files = settings.encryption, case .network = peer else { return false }
    let metrics = answerer.metrics
    try channel.pipeline.syncOperations.addHandler(
      TLSHandler(files.identity, handshakeSeconds: settings.handshakeSeconds) {
        metrics?.failed(.handshake)
      })
    return true
  }

  /// Gives a connection's place to others.
  private func leave(_ channel: any Channel) {
    state.withLock { $0.shelf.remove(ObjectIdentifier(channel)) }
  }

  private func end(_ channel: any Channel) {
    let waiters = state.withLock { state in
      state.connections[ObjectIdentifier(channel)] = nil
      guard state.isEnding, state.connections.isEmpty else {
        return [CheckedContinuation<Void, Never>]()
      }
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  /// The rule for a connection, by where it was listened for.
  private static func guardian(
    _ channel: any Channel, _ names: Set<String>, isTLS: Bool
  ) -> HostGuard {
    guard let own = channel.parent?.localAddress ?? channel.localAddress,
      let address = own.ipAddress
    else { return .socket }
    return HostGuard(host: address, port: own.port ?? 0, names: names, isTLS: isTLS)
  }

  /// Who is at the other end, by the kind of this one: the other may be gone already.
  private static func peer(_ channel: any Channel) throws -> Caller.Peer {
    guard let own = channel.localAddress else { throw ChannelError.alreadyClosed }
    if case .unixDomainSocket = own { return .process(uid: user(of: channel)) }
    guard let remote = channel.remoteAddress, let address = remote.ipAddress,
      let ownAddress = own.ipAddress
    else { throw ChannelError.alreadyClosed }
    return .network(
      address: address, port: remote.port ?? 0, own: ownAddress, ownPort: own.port ?? 0)
  }

  /// The user at the other end of a socket in the file system.
  private static func user(of channel: any Channel) -> UInt32? {
    guard let options = channel as? any SocketOptionProvider, channel.eventLoop.inEventLoop else {
      return nil
    }
    var found: UInt32?
    let asked: EventLoopFuture<ProcessCredentials> = options.unsafeGetSocketOption(
      level: SocketOptionLevel(SOL_SOCKET), name: SocketOptionName(SO_PEERCRED))
    // On its own loop the channel answers at once.
    asked.assumeIsolated().whenSuccess { found = $0.uid }
    return found
  }

  // MARK: The end

  private var isEnding: Bool { state.withLock { $0.isEnding } }

  /// Lets nobody in any more, and returns when all answers have ended.
  ///
  /// - Parameter patience: how long they may take.
  package func drain(patience: Duration) async {
    let (listeners, connections) = state.withLock { state in
      state.isEnding = true
      defer { state.listeners = [] }
      return (state.listeners, Array(state.connections.values))
    }
    for (listener, gone) in listeners {
      try? await listener.close()
      try? await gone.get()
    }
    for channel in connections {
      channel.pipeline.fireUserInboundEventTriggered(ConnectionHandler.Drain())
    }
    let timer = Task {
      try? await Task.sleep(for: patience)
      // Also where the wait was cancelled: then nobody has time.
      for channel in self.state.withLock({ Array($0.connections.values) }) {
        channel.close(promise: nil)
      }
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          if !state.connections.isEmpty { state.waiters.append(continuation) }
          return state.connections.isEmpty
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      timer.cancel()
    }
    timer.cancel()
  }
}

/// What `SO_PEERCRED` brings: the kernel's `struct ucred`, which Swift's Glibc has not.
private struct ProcessCredentials: Sendable {
  var process: Int32
  var uid: UInt32
  var gid: UInt32
}

/// Why the system lets nobody listen at a place.
private struct ListenFailure: Error, CustomStringConvertible {
  let code: Int32

  /// As the system says it, for people.
  var description: String {
    let words = String(cString: strerror(code))
    return words.prefix(1).lowercased() + words.dropFirst()
  }
}
