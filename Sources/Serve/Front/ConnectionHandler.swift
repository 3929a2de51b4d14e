import NIOCore
import NIOHTTP1

/// Gathers the requests of a connection, one after the other, and closes it where nothing goes on.
///
/// ```
/// idle      -> reading     a head came, within the time from the connection's or the last answer's end
/// reading   -> answering   the request's end came, within the time from then
/// answering -> idle        the answer's end was written; no part of it may wait too long to be taken
/// ```
/// Whoever is slow with a head, or sends one byte of it now and then, has the same time for it as
/// everybody, and costs a connection for so long.
///
/// Whoever sends no more may have closed all of the connection, or only his side of it and waits for
/// the answer (RFC 9112, 9.6). The ends of both look the same, so who waits is told `100 Continue`,
/// which every client of HTTP/1.1 takes before its answer: from whoever is gone a reset comes back.
final class ConnectionHandler: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = Never
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  /// Tells a connection that the service ends: without a request it ends, too, else with its answer.
  ///
  /// Not NIO's own event for that: its handler of pipelines then allows no answer to half a head,
  /// which its handler of errors gives.
  struct Drain: Sendable {}

  private enum State { case idle, reading, answering }

  private let settings: FrontSettings
  private let requests: AsyncStream<HTTPRequestHead>.Continuation
  private let tell: @Sendable (_ isBusy: Bool) -> Void
  private var state = State.idle
  /// Whether the connection closes where there is no request.
  private var isDraining = false
  /// Whether an answer's head was written, and not its end.
  private var isUnderWay = false
  /// Of the request that comes or is answered.
  private var version = HTTPVersion.http1_1
  private var head: HTTPRequestHead?
  private var bodyBytes = 0
  private var pendingWrites = 0
  private var timer: Scheduled<Void>?

  /// - Parameters:
  ///   - settings: its times.
  ///   - requests: gets each head.
  ///   - tell: told when a request has come, and when its answer was given.
  init(
    _ settings: FrontSettings, requests: AsyncStream<HTTPRequestHead>.Continuation,
    tell: @escaping @Sendable (_ isBusy: Bool) -> Void
  ) {
    self.settings = settings
    self.requests = requests
    self.tell = tell
  }

  // MARK: In

  func channelActive(context: ChannelHandlerContext) {
    watch(context)
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      version = head.version
      bodyBytes = 0
      state = .reading
      // Whoever waits for leave to send a body has it: it is dropped, and the answer comes at once.
      if version == .http1_1,
        head.headers[canonicalForm: "expect"].contains(where: { $0.lowercased() == "100-continue" })
      {
        sendContinue(context)
      }
      watch(context)
    case .body(let bytes):
      bodyBytes += bytes.readableBytes
      if bodyBytes > settings.bodyBytes { context.close(promise: nil) }
    case .end:
      guard let head else { return }
      self.head = nil
      state = .answering
      tell(true)
      watch(context)
      requests.yield(head)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case is InputEndHandler.InputEnd: askWhetherGone(context)
    case is Drain: closeWhenIdle(context)
    // Behind the last of its requests.
    case ChannelEvent.inputClosed: closeWhenIdle(context)
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  private func closeWhenIdle(_ context: ChannelHandlerContext) {
    isDraining = true
    // An answer's end that is not taken yet closes the connection when it is.
    if state != .answering, pendingWrites == 0 { context.close(promise: nil) }
  }

  /// Sends something to whoever waits for an answer and sends no more.
  ///
  /// Once the answer's head is out, its bytes do the same; older clients know no answer before theirs.
  private func askWhetherGone(_ context: ChannelHandlerContext) {
    guard state == .answering, !isUnderWay, version == .http1_1 else { return }
    sendContinue(context)
  }

  private func sendContinue(_ context: ChannelHandlerContext) {
    let head = HTTPResponseHead(version: .http1_1, status: .continue)
    context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    requests.finish()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  // MARK: Out

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    // Said before it is passed on: the next request may come while that is done.
    let isEnd = if case .end = unwrapOutboundIn(data) { true } else { false }
    isUnderWay = !isEnd
    if isEnd {
      state = .idle
      tell(false)
    }
    pendingWrites += 1
    let promise = promise ?? context.eventLoop.makePromise()
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    promise.futureResult.whenComplete { _ in
      let (handler, context) = bound.value
      handler.pendingWrites -= 1
      handler.watch(context)
      // The next request may have come when this answer's end was passed on.
      if isEnd, handler.isDraining, handler.state != .answering { context.close(promise: nil) }
    }
    watch(context)
    context.write(data, promise: promise)
  }

  // MARK: Time

  /// Begins the time anew that the connection has for what comes next.
  private func watch(_ context: ChannelHandlerContext) {
    timer?.cancel()
    timer = nil
    guard context.channel.isActive else { return }
    let seconds: Int64
    switch state {
    case .idle, .reading: seconds = settings.headSeconds
    case .answering:
      // What comes from upstream has time limits of its own.
      guard pendingWrites > 0 else { return }
      seconds = settings.stallSeconds
    }
    let channel = context.channel
    timer = context.eventLoop.scheduleTask(in: .seconds(seconds)) {
      channel.close(promise: nil)
    }
  }
}
