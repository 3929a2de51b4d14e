import Disk
import FoundationEssentials
import Glibc
import OCI
import Synchronization

/// Where credentials come from, in order; the first that has one wins.
package struct CredentialChain: Sendable {
  /// Given on the command line.
  package var explicit: Credential?
  /// The registry that `explicit` is for; no mirror of it gets to see it.
  package var explicitRegistry: String?
  /// What `$DOCKER_AUTH_CONFIG` holds, as docker and GitLab's runners read it: asked before the files.
  package var inline: AuthFile?
  /// Credential files, first to be asked first.
  package var files: [CredentialFile]
  /// Told when a helper or a file cannot be used.
  package var warn: @Sendable (String) -> Void
  private let said = Said()
  private let empty = EmptyHelpers()
  /// The most bytes of a credential file.
  private static let fileLimit = 16 << 20
  /// Seconds that a helper may take.
  package var helperTimeout = 60.0
  /// Where helpers are looked for before `PATH`; nil: nowhere.
  var helperPath: String?
  /// What helpers have answered already; nil: each question is asked anew.
  package var helpers: HelperAnswers?

  /// Makes a chain.
  ///
  /// - Parameters:
  ///   - explicit: from `--creds`; nothing else is asked then.
  ///   - files: first to be asked first.
  ///   - warn: told when a helper or a file cannot be used.
  package init(
    explicit: Credential? = nil, files: [CredentialFile] = [],
    warn: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.explicit = explicit
    self.files = files
    self.warn = warn
  }

  /// Takes the content of `$DOCKER_AUTH_CONFIG`, where no file is named; warns where it has another form.
  package mutating func takeInline(authFile: String?, environment: [String: String]) {
    guard CredentialFile.named(authFile: authFile, environment: environment) == nil,
      let text = environment["DOCKER_AUTH_CONFIG"], !text.isEmpty
    else { return }
    do {
      inline = try AuthFile(Data(text.utf8))
    } catch {
      warnOnce("DOCKER_AUTH_CONFIG is not in the expected form; going on without it")
    }
  }

  /// Whether the user gave the credential for a registry with the command.
  func isExplicit(registry: String) -> Bool {
    explicit != nil && (explicitRegistry == nil || explicitRegistry == registry)
  }

  /// The credential for a repository; nil means anonymous.
  ///
  /// - Parameters:
  ///   - registry: as in a reference.
  ///   - repository: the repository's path.
  package func credential(registry: String, repository: String) async -> Credential? {
    let watch = SlowAnswerWatch(time: Timekeeper(), tell: { _ in })
    return await credential(registry: registry, repository: repository, watch: watch)
  }

  /// The same, saying so where a helper is slow; `refused` is one that was taken, and is so no more:
  /// a helper that gave it is asked once more.
  func credential(
    registry: String, repository: String, watch: SlowAnswerWatch,
    insteadOf refused: Credential? = nil
  ) async -> Credential? {
    if isExplicit(registry: registry) { return explicit }
    for case .credential(let credential) in inline?.answers(
      registry: registry, repository: repository) ?? []
    {
      return credential
    }
    var asked: Set<String> = []
    for place in files {
      guard let file = read(place) else { continue }
      for answer in file.answers(registry: registry, repository: repository) {
        switch answer {
        case .credential(let credential): return credential
        case .helper(let name, let servers):
          guard asked.insert(name).inserted else { continue }
          if let found = await ask(name, about: servers, watch, refused) { return found }
        }
      }
    }
    empty.note(asked.sorted(), for: registry)
    return nil
  }

  /// The helpers that were asked for a registry's login and had none; empty where anything had one.
  func emptyHelpers(registry: String) -> [String] { empty.helpers(for: registry) }

  /// What a helper has for a server, by the first of its names that the helper knows.
  private func ask(
    _ name: String, about servers: [String], _ watch: SlowAnswerWatch, _ refused: Credential?
  ) async -> Credential? {
    var failure: CredentialHelper.Failure?
    for server in servers {
      do throws(CredentialHelper.Failure) {
        if let found = try await ask(name, about: server, watch, refused).get() { return found }
      } catch {
        failure = failure ?? error
        // Some fail where they know a name not; one that is missing or hangs knows none.
        guard error.isAnswer else { break }
      }
    }
    if let failure {
      warnOnce(
        "credential helper docker-credential-\(name.shownSafely(limit: 60)): \(failure); "
          + "going on without it")
    }
    return nil
  }

  private func ask(
    _ name: String, about server: String, _ watch: SlowAnswerWatch, _ refused: Credential?
  ) async -> HelperAnswers.Answer {
    let helper = CredentialHelper(name: name, searchPath: helperPath, timeout: helperTimeout)
    let shown = "the credential helper docker-credential-\(name.shownSafely(limit: 60))"
    let ask: @Sendable () async -> HelperAnswers.Answer = { [helperTimeout] in
      await watch.over(shown, limit: helperTimeout) {
        do throws(CredentialHelper.Failure) {
          return .success(try await helper.credential(for: server))
        } catch {
          return .failure(error)
        }
      }
    }
    guard let helpers else { return await ask() }
    return await helpers.answer(
      to: .init(helper: name, server: server), insteadOf: refused, ask: ask)
  }

  func read(_ place: CredentialFile) -> AuthFile? {
    let path = place.path
    let data: Data
    do throws(DiskError) {
      data = Data(
        try InputFile.read(
          path, limit: Self.fileLimit, pipes: place.isNamed ? .read : .refused, trust: place.trust))
    } catch {
      // That a usual file is not there says nothing; that it may not be read does.
      let isAbsent = error.reason == nil && [ENOENT, ENOTDIR].contains(error.code)
      if !isAbsent || place.isNamed {
        let reason = error.reason ?? String(cString: strerror(error.code))
        warnOnce("cannot read the credential file \(path): \(reason)")
      }
      return nil
    }
    do {
      let file = try AuthFile(data)
      warn(of: file.oddities, "the credential file \(path) has entries that cannot be used")
      warn(
        of: file.brokenLines,
        "the credential file \(path) has passwords that end in a line break, as \"echo\" adds one")
      return file
    } catch {
      warnOnce("the credential file \(path) is not in the expected form; going on without it")
      return nil
    }
  }

  private func warn(of entries: [String], _ words: String) {
    guard !entries.isEmpty else { return }
    let names = entries.prefix(3).map { $0.shownSafely(limit: 100) }
    warnOnce("\(words): \(names.joined(separator: ", "))")
  }

  /// Warns of what was not warned of yet.
  func warnOnce(_ text: String) {
    if said.isNews(text) { warn(text) }
  }
}

/// The helpers that had no login, by the registry that they were asked for.
private final class EmptyHelpers: Sendable {
  private let helpers = Mutex<[String: [String]]>([:])

  func note(_ names: [String], for registry: String) {
    helpers.withLock { $0[registry] = names.isEmpty ? nil : names }
  }

  func helpers(for registry: String) -> [String] { helpers.withLock { $0[registry] ?? [] } }
}
