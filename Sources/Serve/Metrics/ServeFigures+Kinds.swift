extension ServeFigures.Request {
  /// What a request's target asks for.
  init(_ target: String) {
    self =
      switch ServeTarget(target) {
      case .base: .base
      case .manifest: .manifest
      case .blob: .blob
      case .tags: .tags
      case .referrers: .referrers
      case .metrics: .metrics
      case .health: .health
      case nil: .other
      }
  }
}

extension ServeFigures.Failure {
  /// What an answer's status says went wrong; nil: nothing.
  init?(status: Int) {
    switch status {
    case 401, 403: self = .refused
    case 400...499: self = .request
    case 500...599: self = .upstream
    default: return nil
    }
  }
}
