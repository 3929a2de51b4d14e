/// What bounds the front.
package struct FrontSettings: Sendable {
  /// Connections over the network at a time, and as many through sockets in the file system; beyond
  /// that who has no request under way gives way, and where all have one, who comes is sent away.
  ///
  /// No more than there are files for: who takes connections beyond that finds none for an answer, and is
  /// told of the next one without end.
  package var connections: Int
  /// Seconds for which a connection may say nothing, and in which a request's head must have come.
  package var headSeconds: Int64 = 30
  /// Seconds within which the handshake of a connection by TLS must be over.
  package var handshakeSeconds: Int64 = 10
  /// Seconds for which a caller may take nothing of an answer.
  package var stallSeconds: Int64 = 300
  /// Bytes of a request's head.
  package var headBytes = 32 << 10
  /// Fields of a request's head.
  package var headFields = 100
  /// Bytes of a request's body that are read and forgotten.
  package var bodyBytes = 64 << 10
  /// Names under which this is asked, beside addresses and `localhost`.
  package var names: Set<String> = []
  /// What is shown over TLS, which is then spoken on every address and port; nil: plain HTTP.
  package var encryption: TLSFiles?

  /// The defaults.
  ///
  /// - Parameter connections: as many as the process has files for.
  package init(connections: Int) { self.connections = connections }
}
