import OCI
import Transfer

/// Whose list of tags counts: the registry's own, and a mirror's only where that cannot be had.
///
/// A pull-through mirror lists what it was asked for until now, and that looks like a whole list. So a
/// registry that is slow, or has a bad moment, is waited for; where nobody is there, or it says no, those
/// that may have something are asked in their order. Nobody is asked beside another: who answers first
/// is not who has most.
extension RepositoryClient {
  /// A list, and whose it is.
  struct Listing<List: Sendable>: Sendable {
    var list: List
    /// The mirror whose it is, with why it is not the registry's; nil: the registry's.
    var mirror: TagList.Mirror?
  }

  /// One that is asked for a list.
  struct Lister: Sendable {
    var endpoint: Endpoint
    /// Whether nobody was asked before.
    var isFirst: Bool
    /// Whether others can be asked where nobody is there.
    var othersAreLeft: Bool
  }

  /// Asks for a list, at one server after the other, until one has given all of it: the registry
  /// first, where it may be asked at all.
  ///
  /// - Parameters:
  ///   - goesOn: whether only whoever is asked first may be: nobody else knows where it was left off.
  ///   - gather: gets all of the list, or of what is wanted of it, at one.
  /// - Throws: the error of who was asked first, with what the others did.
  func listing<List: Sendable>(
    goesOn: Bool = false, _ gather: (Lister) async throws(RegistryError) -> List
  ) async throws(RegistryError) -> Listing<List> {
    let usable = endpoints.filter(\.resolvesTags)
    let order = usable.filter(\.isRegistry) + usable.filter { !$0.isRegistry }
    let asked = goesOn ? Array(order.prefix(1)) : order
    var failures: [RegistryError] = []
    for endpoint in asked {
      do throws(RegistryError) {
        let lister = Lister(
          endpoint: endpoint, isFirst: failures.isEmpty,
          othersAreLeft: failures.count + 1 < asked.count)
        let list = try await gather(lister)
        guard !endpoint.isRegistry else { return Listing(list: list) }
        let why = failures.first?.description ?? "the registry itself is not to be asked for tags"
        let mirror = TagList.Mirror(name: endpoint.origin.authority, reason: why)
        tell(.detail("a list is from \(mirror.name): \(mirror.reason)"))
        return Listing(list: list, mirror: mirror)
      } catch {
        guard !error.isFinal else { throw error }
        failures.append(error)
      }
    }
    guard let first = failures.first else {
      throw RegistryError(.notFound, "no server is known that may be asked for tags")
    }
    throw first.after(Array(failures.dropFirst()))
  }

  /// Asks one of them for a part of a list, again where that can help.
  func part<Part: Sendable>(
    of lister: Lister,
    _ ask: @escaping @Sendable (Endpoint, _ patience: Double) async throws(RegistryError) -> Part
  ) async throws(RegistryError) -> Part {
    try await retrying { error in
      !lister.othersAreLeft || ![.nobodyThere, .wentQuiet].contains(error.lesson)
    } _: { (stalls) async throws(RegistryError) in
      let patience = self.headTimeout(stalls: stalls)
      return try await self.failover.first(
        of: [lister.endpoint], for: "tags/list", about: .list, patience: patience
      ) { (endpoint) async throws(RegistryError) in try await ask(endpoint, patience) }
    }
  }
}
