import FoundationEssentials
import OCI
import Registry
import Serve
import Transfer

/// Makes the clients of repositories that are served.
struct ServeClients: Sendable {
  let registries: ServedRegistries
  let engine: any TransferEngine
  let retryRule: RepositoryClient.RetryRule
  let plainHTTP: Set<String>
  /// Finds who answers for a registry; true: it is asked without TLS.
  let finder: @Sendable (Bool) -> EndpointFinder
  let tokenService: @Sendable (String) -> TokenService?
  let warn: @Sendable (String) -> Void

  /// A client that shows nobody's credentials.
  ///
  /// - Throws: the answer to whoever asks for what is not served.
  func client(_ reference: Reference) throws(AnonymousDoorkeeper.Refusal) -> RepositoryClient {
    let registry = reference.registry
    let plan = try plan(reference)
    guard registries.standing(registry, isMirrored: { isMirrored(plan) }) != nil else {
      throw .init(.error(404, .nameUnknown, "the registry \(registry) is not served here"))
    }
    for warning in plan.warnings { warn(warning) }
    return RepositoryClient(
      reference: reference, endpoints: plan.endpoints, engine: engine,
      credentials: CredentialChain(), tokenService: tokenService(registry), retryRule: retryRule)
  }

  private func plan(_ reference: Reference) throws(AnonymousDoorkeeper.Refusal) -> EndpointPlan {
    do {
      return try finder(plainHTTP.contains(reference.registry)).plan(for: reference)
    } catch let refused as EndpointPlan.Refused {
      throw .init(.error(403, .denied, refused.message))
    } catch {
      throw .init(.error(404, .nameUnknown, "no server can have that name"))
    }
  }

  /// Whether a file speaks of this very registry, not of all of them.
  private func isMirrored(_ plan: EndpointPlan) -> Bool {
    plan.source.map { !$0.hasSuffix("/_default/hosts.toml") } ?? false
  }
}
