package import OCI
package import Registry
import Text
package import Transfer

/// Makes the clients of repositories that are served, for whoever asks.
package struct UpstreamClients: Sendable {
  /// Which registries are served.
  package var registries: ServedRegistries
  /// Performs the requests.
  package var engine: any TransferEngine
  /// How requests that fail are made again, as far as a caller goes along with it.
  package var retryRule: RepositoryClient.RetryRule
  /// Clocks and waits.
  package var time = Timekeeper()
  /// The owner's own credentials.
  package var own: CredentialChain
  /// Where this service itself is asked, which asks nobody but others.
  package var places: OwnPlaces
  /// What this service is called among others of its kind.
  let name = ViaChain.newName()
  /// Finds who answers for a repository.
  package var plan: @Sendable (Reference) throws -> EndpointPlan
  /// The token service that a registry named the last time.
  package var tokenService: @Sendable (String) async -> TokenService?
  /// Told what is wrong with files.
  package var warn: @Sendable (String) -> Void

  /// Makes a maker.
  package init(
    registries: ServedRegistries, engine: any TransferEngine,
    retryRule: RepositoryClient.RetryRule = .init(), own: CredentialChain = CredentialChain(),
    places: OwnPlaces = OwnPlaces([]),
    tokenService: @escaping @Sendable (String) async -> TokenService? = { _ in nil },
    warn: @escaping @Sendable (String) -> Void = { _ in },
    plan: @escaping @Sendable (Reference) throws -> EndpointPlan
  ) {
    self.registries = registries
    self.engine = engine
    self.retryRule = retryRule
    self.own = own
    self.places = places
    self.tokenService = tokenService
    self.warn = warn
    self.plan = plan
  }

  /// A repository that may be asked for.
  struct Found {
    var reference: Reference
    var standing: ServedRegistries.Standing
    var endpoints: [Endpoint]

    /// Whether this endpoint challenges for it.
    var isPrivate: Bool { standing == .named(isPrivate: true) }
  }

  /// Looks a repository up, without asking anybody.
  ///
  /// - Throws: `ServeRefusal` for one that is not served.
  func find(_ reference: Reference) throws(ServeRefusal) -> Found {
    let registry = reference.registry
    // Names that are not served are not looked up in files, either, but where those say what is.
    let found: EndpointPlan
    do {
      found = try plan(reference)
    } catch let refused as EndpointPlan.Refused {
      throw .forbidden(refused.message)
    } catch {
      throw ServeRefusal(
        status: 404, code: .nameUnknown, message: "no server can have that name")
    }
    // Whether a file speaks of this very registry, not of all of them.
    let isMirrored = found.source.map { !$0.ends(with: "/_default/hosts.toml") } ?? false
    guard let standing = registries.standing(registry, isMirrored: { isMirrored }) else {
      throw ServeRefusal(
        status: 404, code: .nameUnknown, message: "the registry \(registry) is not served here")
    }
    for warning in found.warnings { warn(warning) }
    for endpoint in found.endpoints where endpoint.showsOwner {
      warn(
        "\(endpoint.source ?? "a file") has header fields or a client certificate for "
          + "\(endpoint.origin.authority): they are its owner's, and nobody else's requests carry them"
          + " (--own-credentials)")
    }
    let endpoints = found.endpoints.filter { !places.contain($0.origin) }
    guard !endpoints.isEmpty else {
      throw .forbidden("nobody but this service itself could be asked for it")
    }
    return Found(reference: reference, standing: standing, endpoints: endpoints)
  }

  /// A client that asks as somebody, who came through others, and tells what is denied.
  func client(
    _ found: Found, as identity: CallerIdentity, _ via: ViaChain, tokensFrom service: TokenService?,
    withheld: @escaping @Sendable (Withheld) -> Void
  ) -> RepositoryClient {
    let registry = found.reference.registry
    var credentials = CredentialChain()
    var errand: Errand? = Errand()
    switch identity {
    case .anonymous: break
    case .shows(let field): errand = Errand(authorization: field)
    case .has(let credential):
      credentials = CredentialChain(explicit: credential)
      credentials.explicitRegistry = registry
    case .owner: (credentials, errand) = (own, nil)
    }
    // What an owner's files show a server is his, as his logins are.
    let endpoints =
      identity == .owner ? found.endpoints : found.endpoints.map(\.withoutOwner)
    let rule: AddressRule = found.standing == .anyPublic ? .globallyRoutable : .notLinkLocal
    return RepositoryClient(
      reference: found.reference, endpoints: endpoints,
      engine: FencedEngine(engine, rule, via: via.field(adding: name)), credentials: credentials,
      tokenService: service, errand: errand,
      retryRule: CallerPatience.rule(retryRule), time: time, withheld: withheld)
  }
}

extension Endpoint {
  /// Whether what it is shown says who asks: fields and a client certificate of its owner's files.
  fileprivate var showsOwner: Bool { !fields.all.isEmpty || access.clientCertificate != nil }

  /// The same server, reached in the same way, for whoever is not its owner.
  fileprivate var withoutOwner: Endpoint {
    var endpoint = self
    endpoint.fields = HTTPFields()
    endpoint.access.clientCertificate = nil
    return endpoint
  }
}
