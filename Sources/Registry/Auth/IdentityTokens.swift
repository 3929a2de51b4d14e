import Transfer

/// Identity tokens that a token service replaces as they are used: the newest one is shown next.
///
/// Such a service may take each of them once. So one request at a time shows it, until an answer
/// without a new one has told that it stays. The new ones are in memory alone.
actor IdentityTokens {
  private struct Key: Hashable {
    /// As the login has it.
    var token: String
    var realm: RemoteURL
  }

  private struct Line {
    var newest: String
    /// Whether it was used, and not replaced.
    var stays = false
    var isBusy = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private var lines: [Key: Line] = [:]

  /// Shows a login's identity token, or the one that replaced it.
  ///
  /// - Parameters:
  ///   - token: as the login has it.
  ///   - realm: whom it is shown to.
  ///   - ask: asks with the token that it is given; returns a new one where one came.
  func show<Answer: Sendable>(
    _ token: String, to realm: RemoteURL,
    _ ask: @Sendable (String) async throws(RegistryError) -> (Answer, newer: String?)
  ) async throws(RegistryError) -> Answer {
    let key = Key(token: token, realm: realm)
    var line = lines[key] ?? Line(newest: token)
    if line.isBusy, !line.stays {
      await withCheckedContinuation { lines[key]?.waiting.append($0) }
      line = lines[key] ?? line
    }
    line.isBusy = true
    lines[key] = line
    defer { pass(key) }
    let (answer, newer) = try await ask(line.newest)
    if let newer, newer != line.newest {
      lines[key]?.newest = newer
    } else {
      lines[key]?.stays = true
    }
    return answer
  }

  /// Lets the next one go, or all where it has turned out that the token stays.
  private func pass(_ key: Key) {
    guard var line = lines[key] else { return }
    let next = line.stays ? line.waiting : Array(line.waiting.prefix(1))
    line.waiting.removeFirst(next.count)
    // Whoever is let go keeps it busy.
    line.isBusy = !next.isEmpty
    lines[key] = line
    for continuation in next { continuation.resume() }
  }
}
