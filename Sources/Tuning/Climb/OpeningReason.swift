/// Why a pool opens with its size: what the size was taken from, and what made it another one.
struct OpeningReason: Sendable, Equatable {
  /// What the size was taken from.
  enum Basis: Sendable, Equatable {
    /// As many as hide a round trip of so many seconds.
    case roundTrip(Double)
    /// The same, and more for the small blobs.
    case smallBlobs(Double)
    /// As for a round trip that nobody knows.
    case unknownTrip
    /// As many as the image's bytes are enough for.
    case image
    /// As many as are opened unseen.
    case most(Int)
    /// As many as were best for others, up to the most that a hint may say.
    case hint(Int, most: Int)
    /// Earlier pulls were fastest with so many.
    case best(Int)
    /// Earlier pulls had so many, and no other number was measured.
    case only(Int)
    /// Earlier pulls were still getting faster at so many.
    case gaining(Int)
  }

  /// What cut it.
  enum Cut: Sendable, Equatable {
    /// No more are allowed.
    case allowed(Int)
    /// The server refused more.
    case served(Int)
  }

  let basis: Basis
  /// Whether earlier pulls went this way, but measured nothing.
  var isSeen = false
  /// Whether it is more than was best, because the pull is short.
  var isWidened = false
  var cut: Cut?

  init(_ basis: Basis, isSeen: Bool = false) {
    self.basis = basis
    self.isSeen = isSeen
  }

  /// The same, for what the size came to.
  ///
  /// - Parameters:
  ///   - wanted: the size without bounds.
  ///   - size: the size that it came to.
  ///   - bounds: what is not exceeded.
  func cut(from wanted: Int, to size: Int, _ bounds: Bounds) -> OpeningReason {
    var reason = self
    if size < wanted { reason.cut = size == bounds.maximum ? .allowed(size) : .served(size) }
    return reason
  }
}

extension OpeningReason: CustomStringConvertible {
  /// For people, after the number of workers.
  var description: String {
    let cut =
      switch cut {
      case .allowed(let size): "; no more than \(size) \(size == 1 ? "is" : "are") allowed"
      case .served(let size): "; the server refused more than \(size)"
      case nil: ""
      }
    return words + (isWidened ? "; more for a pull this short" : "") + cut
  }

  private var words: String {
    let new = isSeen ? "earlier pulls from here measured nothing" : "this path is new"
    return switch basis {
    case .roundTrip(let seconds):
      "\(new); as many as suit a round trip of \(Self.ms(seconds))"
    case .smallBlobs(let seconds):
      "\(new); as many as suit small blobs and a round trip of \(Self.ms(seconds))"
    case .unknownTrip: "\(new), and its round trip unknown"
    case .image: "\(new); as many as suit an image this small"
    case .most(let size): "\(new); no more than \(size) are opened where nothing is measured"
    case .hint(let size, let most):
      "\(new); others, or from elsewhere, were fastest with \(size)"
        + (size > most ? "; no more than \(most) are opened because of that" : "")
    case .best(let size): "earlier pulls from here were fastest with \(size)"
    case .only(let size): "earlier pulls from here had \(size), and no other number was measured"
    case .gaining(let size): "earlier pulls from here were still getting faster at \(size)"
    }
  }

  private static func ms(_ seconds: Double) -> String {
    seconds < 1e-3 ? "less than 1 ms" : "\(whole(seconds * 1e3)) ms"
  }
}
