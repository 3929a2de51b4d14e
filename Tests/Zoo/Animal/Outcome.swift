import Pull

/// What comes of a pull.
enum Outcome: Sendable, Equatable {
  /// The image, every byte of it.
  case image
  /// An error of one of these kinds, whose message names the server.
  case error([PullError.Category])

  static let refused = Outcome.error([.unauthorised])
}
