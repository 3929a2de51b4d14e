import NIOCore

/// Says that a caller sends no more as soon as that is known.
///
/// NIO's handler of pipelines says it only behind all requests that came before, so that nobody would be
/// asked whether he is still there while the first of them has no answer.
final class InputEndHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  /// A caller sends no more; what it has sent may still be on its way to whoever answers.
  struct InputEnd: Sendable {}

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event as? ChannelEvent == .inputClosed {
      context.fireUserInboundEventTriggered(InputEnd())
    }
    context.fireUserInboundEventTriggered(event)
  }
}
