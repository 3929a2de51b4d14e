import Registry

/// Warnings of a run: a file, a login or a server is the same for all of its images, and is complained of
/// once.
extension Said {
  /// The options with a log that has each warning once.
  func once(_ access: RegistryAccess) -> RegistryAccess {
    guard let log = access.log else { return access }
    var access = access
    access.log = { severity, words in
      if severity != .warning || self.isNews(words) { log(severity, words) }
    }
    return access
  }
}
