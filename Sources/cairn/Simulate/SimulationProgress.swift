import Glibc
import Progress
import Simulation
import Synchronization

/// How far a simulation is: one line on standard error where that is a terminal, else nothing.
final class SimulationProgress: Sendable {
  private struct State {
    /// Tenths of a percent that were shown last.
    var shown = -1
    var start: (stage: String, at: ContinuousClock.Instant)?
    /// How much of the stage is done.
    var done = 0
  }

  private let isTerminal: Bool
  private let state = Mutex(State())

  init(isTerminal: Bool = DrawingPlace.isOurs) { self.isTerminal = isTerminal }

  /// Who is told how much of a stage is done.
  ///
  /// - Parameter stage: what is done in it, for people.
  func told(of stage: String) -> Headway {
    { [self] more, all in
      guard isTerminal, all > 0 else { return }
      state.withLock { state in
        if state.start?.stage != stage { state = State(start: (stage, .now)) }
        state.done += more
        let (done, tenths) = (state.done, 1_000 * state.done / all)
        guard tenths != state.shown, let start = state.start?.at else { return }
        state.shown = tenths
        let line = Self.line(
          stage, done: done, of: all,
          seconds: Double((ContinuousClock.now - start).components.seconds))
        LineOutput.standardError.replaceLine(with: line)
      }
    }
  }

  /// The line.
  ///
  /// - Parameter seconds: since the stage began.
  static func line(_ stage: String, done: Int, of all: Int, seconds: Double) -> String {
    let left = done > 0 ? seconds / Double(done) * Double(all - done) : 0
    let words = left >= 1 ? ", \(Wording.clock(left)) left" : ""
    return "\(stage): \(done) of \(all)\(words)"
  }

  /// Clears the line: what follows is a result.
  func end() {
    guard isTerminal, state.withLock({ $0.shown >= 0 }) else { return }
    LineOutput.standardError.replaceLine(with: "")
  }
}
