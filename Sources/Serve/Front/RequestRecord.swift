/// What became of a request, for the log and for figures.
package struct RequestRecord: Sendable {
  /// Who asked.
  package var peer: Caller.Peer
  /// The method.
  package var method: String
  /// Path and query, as they came.
  package var target: String
  /// The answer's status.
  package var status: Int
  /// Bytes of the answer's body that were given.
  package var bytes: Int64
  /// Seconds until the answer's head, and until its end.
  package var headSeconds: Double
  package var seconds: Double
  /// Where the content came from.
  package var origin: Answer.Origin
  /// False where the answer broke off.
  package var isComplete: Bool
}
