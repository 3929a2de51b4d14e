import OCI

/// When an answer counts as late, and how that is said.
enum Lateness {
  /// Seconds without an answer after which it is late.
  static let patience = 2.0
  /// Seconds that each has to itself once one of them said nothing.
  ///
  /// One that is silent is enough to wait for; connections to several addresses are begun as far
  /// apart (RFC 8305, section 5).
  static let shortTurn = 0.25

  /// That somebody is late, and what is done meanwhile: a clause without its subject.
  ///
  /// - Parameter proxy: through which it is asked, which may be the one that is late; nil: none.
  static func words(_ meanwhile: String, through proxy: String? = nil) -> String {
    let way = proxy.map { " through the proxy \($0)" } ?? ""
    return "has not answered\(way) for \(Int(clamping: patience)) s; \(meanwhile)"
  }

  /// How long a server that is late still has: by then nobody knows whether there is a connection, which
  /// has a limit of its own.
  ///
  /// - Parameter limit: seconds from the beginning to the head of its answer.
  static func leftOfServer(_ limit: Double) -> String {
    left(of: limit) + " (--stall-timeout), and less where no connection is made"
  }

  /// How long somebody who is late still has.
  ///
  /// - Parameter limit: seconds from the beginning.
  static func left(of limit: Double) -> String {
    "it has up to \(Int(clamping: max(0, limit - patience).rounded(.up))) s more to begin"
  }
}

extension Timekeeper {
  /// Does something when a server's turn is over, and something else once its answer is late;
  /// cancel it when the answer comes.
  func whenOver(
    turn: Double, _ act: @escaping @Sendable () -> Void, late: @escaping @Sendable () -> Void
  ) -> Task<Void, Never> {
    Task {
      guard (try? await limit(turn)) != nil else { return }
      act()
      if turn < Lateness.patience, (try? await limit(Lateness.patience - turn)) == nil { return }
      late()
    }
  }

  /// Does something once an answer is late; cancel it when the answer comes.
  func whenLate(_ act: @escaping @Sendable () -> Void) -> Task<Void, Never> {
    Task {
      guard (try? await limit(Lateness.patience)) != nil else { return }
      act()
    }
  }
}
