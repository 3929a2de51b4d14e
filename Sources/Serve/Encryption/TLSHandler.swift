import NIOCore

/// Encrypts one connection, by libssl.
///
/// ```
/// silent      -> handshaking   its first bytes came: until then it costs nothing but the connection
/// handshaking -> secured       both ends have finished; in time, or it ends
/// any         -> closed        either end wants no more, or what came is no TLS
/// ```
/// Whoever takes nothing is not read from: what answers his records would pile up here. Whoever sends no more
/// is gone: clients of TLS say that they go, and close all of the connection.
final class TLSHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = IOData
  typealias OutboundOut = IOData

  private enum State {
    case silent
    case handshaking(TLSSession)
    case secured(TLSSession)
    case closed
  }

  private let identity: TLSIdentity
  private let handshakeSeconds: Int64
  private let failed: () -> Void
  private var state = State.silent
  private var timer: Scheduled<Void>?
  private var readsLater = false

  /// To those who speak HTTP where TLS is spoken.
  private static let plainAnswer =
    "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    + "TLS is spoken here: ask by https://\n"

  /// - Parameters:
  ///   - identity: what is shown.
  ///   - handshakeSeconds: within which the handshake is to be over.
  ///   - failed: told of a handshake that came to nothing.
  init(_ identity: TLSIdentity, handshakeSeconds: Int64, failed: @escaping () -> Void) {
    self.identity = identity
    self.handshakeSeconds = handshakeSeconds
    self.failed = failed
  }

  // MARK: In

  func channelActive(context: ChannelHandlerContext) {
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(in: .seconds(handshakeSeconds)) {
      let (handler, context) = bound.value
      handler.giveUp(context)
    }
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .silent = state, let session = identity.session() { state = .handshaking(session) }
    switch state {
    case .silent: giveUp(context)
    case .closed: break
    case .handshaking(let session):
      session.take(unwrapInboundIn(data))
      shakeHands(session, context)
    case .secured(let session):
      session.take(unwrapInboundIn(data))
      deliver(session, context)
    }
  }

  private func shakeHands(_ session: TLSSession, _ context: ChannelHandlerContext) {
    switch session.shakeHands() {
    case .waits: flush(session, context)
    case .done:
      timer?.cancel()
      state = .secured(session)
      flush(session, context)
      deliver(session, context)
    case .ended, .failed:
      if session.wasPlainHTTP {
        let answer = context.channel.allocator.buffer(string: Self.plainAnswer)
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(answer)), promise: nil)
      } else {
        flush(session, context)
      }
      giveUp(context)
    }
  }

  /// Passes on what came.
  private func deliver(_ session: TLSSession, _ context: ChannelHandlerContext) {
    // Whoever gets it may close the connection.
    while case .secured = state {
      var buffer = context.channel.allocator.buffer(capacity: 0)
      switch session.read(into: &buffer) {
      case .done: context.fireChannelRead(wrapInboundOut(buffer))
      case .waits:
        flush(session, context)
        return
      case .ended, .failed:
        // Whoever says that it is over is told the same; else with what libssl has to say.
        session.end()
        flush(session, context)
        giveUp(context)
      }
    }
  }

  private func giveUp(_ context: ChannelHandlerContext) {
    switch state {
    case .silent, .handshaking: failed()
    case .secured, .closed: break
    }
    state = .closed
    timer?.cancel()
    context.close(promise: nil)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event as? ChannelEvent == .inputClosed {
      giveUp(context)
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    giveUp(context)
    context.fireChannelInactive()
  }

  // MARK: Out

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard case .secured(let session) = state, case .byteBuffer(let bytes) = unwrapOutboundIn(data),
      session.write(bytes)
    else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    let sent = session.outgoingBytes(context.channel.allocator) ?? ByteBuffer()
    context.write(wrapOutboundOut(.byteBuffer(sent)), promise: promise)
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    timer?.cancel()
    if case .secured(let session) = state {
      session.end()
      flush(session, context)
    }
    state = .closed
    context.close(mode: mode, promise: promise)
  }

  private func flush(_ session: TLSSession, _ context: ChannelHandlerContext) {
    guard let bytes = session.outgoingBytes(context.channel.allocator) else { return }
    context.writeAndFlush(wrapOutboundOut(.byteBuffer(bytes)), promise: nil)
  }

  // MARK: Who takes nothing

  func read(context: ChannelHandlerContext) {
    guard context.channel.isWritable else {
      readsLater = true
      return
    }
    context.read()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if readsLater, context.channel.isWritable {
      readsLater = false
      context.read()
    }
    context.fireChannelWritabilityChanged()
  }
}
