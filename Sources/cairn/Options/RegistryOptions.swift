import ArgumentParser
import CairnKit
import CurlTransfer
import Disk
import FoundationEssentials
import Logging
import OCI
import Progress
import Registry

/// How registries are reached; shared by every command that does.
struct RegistryOptions: ParsableArguments {
  @Flag(help: "Speak plain HTTP with the registry, no TLS.")
  var plainHttp = false

  @Option(
    help: ArgumentHelp("Whether certificates are checked.", valueName: "true|false"),
    completion: .list(["true", "false"]))
  var tlsVerify = true

  @OptionGroup var trust: TrustOptions

  @Option(
    help: ArgumentHelp(
      "Credentials; without a password it is asked for on the terminal.",
      valueName: "user[:password]"))
  var creds: String?

  @Option(
    help: ArgumentHelp("Read credentials from this file only.", valueName: "file"),
    completion: .file())
  var authfile: String?

  @OptionGroup var mirrors: MirrorOptions

  @OptionGroup var patience: PatienceOptions

  func validate() throws {
    if let authfile, let reason = InputFile.complaint(authfile) {
      throw ValidationError("--authfile \(authfile) cannot be read: \(reason)")
    }
  }

  /// What these options say of how registries are reached; asks for the password where `--creds` has none.
  func access() throws -> RegistryAccess {
    var access = accessWithoutLogin
    access.login = try login()
    return access
  }

  /// The same without `--creds`.
  var accessWithoutLogin: RegistryAccess {
    var access = RegistryAccess()
    access.plainHTTP = plainHttp
    access.verifiesTLS = tlsVerify
    access.authorities = trust.authorities
    access.authFile = authfile
    mirrors.add(to: &access)
    patience.add(to: &access)
    return access
  }

  /// The images that a name may mean, first to be tried first.
  ///
  /// - Parameter text: what the user typed.
  func references(_ text: String) throws -> [Reference] {
    try orFailure { () throws(CairnError) in try accessWithoutLogin.references(text) }
  }

  /// The image that a name means: of several the first one that its registry has.
  ///
  /// - Parameter text: what the user typed.
  func reference(_ text: String) async throws -> Reference {
    try await orFailure { () async throws(CairnError) in
      try await accessWithoutLogin.reference(text) { (registry) throws(CairnError) in
        try asLibraryError { try own(registry).access() }
      }
    }
  }

  /// An engine with these options.
  func engine() throws -> CurlEngine {
    try orFailure { () throws(CairnError) in try accessWithoutLogin.engine() }
  }

  /// A client of a reference's repository.
  ///
  /// - Parameter show: told of credential helpers that fail, waits, mirrors that are given up and the like.
  func client(
    for reference: Reference, engine: CurlEngine,
    show: @escaping @Sendable (ProgressEvent) -> Void
  ) throws -> RepositoryClient {
    let access = try access()
    return try orFailure { () throws(CairnError) in
      try access.client(for: reference, engine: engine, show: show)
    }
  }

  /// A logger on standard error.
  var logger: Logger { patience.logger }

  /// What `--creds` says; asks for the password where it has none.
  func login() throws -> RegistryLogin? {
    guard let text = creds else { return nil }
    if case .basic(let user, let password) = Credential(userAndPassword: text) {
      return RegistryLogin(user: user, password: password)
    }
    guard !text.isEmpty, !text.hasPrefix(":") else {
      throw ValidationError("--creds takes USER or USER:PASSWORD")
    }
    guard let password = TerminalPrompt.password("Password for \(text): ") else {
      throw ValidationError("--creds without a password needs a terminal to ask for it")
    }
    return RegistryLogin(user: text, password: password)
  }
}
