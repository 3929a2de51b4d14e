import Synchronization
import Text

/// What was said already, so that nothing is said twice.
package final class Said: Sendable {
  private let texts = Mutex<Set<ExactText>>([])

  /// Nothing was said yet.
  package init() {}

  /// Whether a text was not said before; it is from now on.
  package func isNews(_ text: String) -> Bool { texts.withLock { $0.insert(text.exact).inserted } }
}
