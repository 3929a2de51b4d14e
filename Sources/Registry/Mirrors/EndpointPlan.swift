import OCI

/// Who is asked for an image, in order, and which file says so.
package struct EndpointPlan: Sendable {
  /// Nobody may be asked, or can be.
  package struct Refused: Error, Sendable, Equatable, CustomStringConvertible {
    /// Why, with the file that says so.
    package let message: String

    /// The message.
    package var description: String { message }
  }

  /// Who is asked, in order; the last is the registry itself, unless that is blocked.
  package var endpoints: [Endpoint]
  /// The file that speaks of mirrors; nil: none does.
  package var source: String?
  /// What keeps the registry itself from being asked; nil: nothing.
  package var blocks: String?
  /// What is not as the files' authors wanted it.
  package var warnings: [String] = []

  /// Makes a plan.
  ///
  /// - Parameters:
  ///   - endpoints: who is asked, in order.
  ///   - source: the file that says so.
  package init(endpoints: [Endpoint], source: String? = nil) {
    self.endpoints = endpoints
    self.source = source
  }
}
