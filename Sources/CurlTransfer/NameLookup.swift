internal import CCurl
import Glibc

/// Asks the system about a host's name, beside libcurl, and away from every thread that others wait for.
///
/// libcurl has one code for all failures to look up a name. `getaddrinfo` tells apart what will not
/// change (there is no such name) from what may pass (no name server answers). A name that does not
/// exist costs no second wait: the resolver has just learned that.
enum NameLookup {
  private final class Told: Sendable {
    let tell: @Sendable (Int32) -> Void
    init(_ tell: @escaping @Sendable (Int32) -> Void) { self.tell = tell }
  }

  /// Begins to look up a name.
  ///
  /// - Parameters:
  ///   - host: the name.
  ///   - tell: told the code of `getaddrinfo` on a thread of its own, however long that takes.
  static func begin(_ host: String, tell: @escaping @Sendable (Int32) -> Void) {
    let context = Unmanaged.passRetained(Told(tell))
    let code = cairn_look_up(
      host,
      { context, code in
        guard let context else { return }
        Unmanaged<Told>.fromOpaque(context).takeRetainedValue().tell(code)
      }, context.toOpaque())
    guard code != 0 else { return }
    context.release()
    tell(EAI_AGAIN)
  }
}
