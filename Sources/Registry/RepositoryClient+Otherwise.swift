import OCI
import Transfer

/// What a server is asked once more for a document that it did not give as it was asked.
///
/// | it said | it is asked |
/// |---|---|
/// | that it has it in no type that is accepted (406) | for any type: its content tells what it is |
/// | that it has nothing of this digest, in whatever words, and the reference has a tag beside it | by that tag: some get an image by its tag alone |
extension RepositoryClient {
  /// One answer from one endpoint, by whichever way it gives one.
  func ask(
    _ endpoint: Endpoint, _ name: DocumentName, patience: Double
  ) async throws(RegistryError) -> FetchedDocument {
    let refusal: RegistryError
    do throws(RegistryError) {
      return try await exchange(
        endpoint, name, fields: Self.acceptedManifests, patience: patience)
    } catch {
      refusal = error
    }
    do throws(RegistryError) {
      if refusal.status == 406 {
        return try await exchange(endpoint, name, fields: Self.anything, patience: patience)
      }
      if Self.saysNothingOfDigest(refusal), endpoint.resolvesTags, let tag = tag(beside: name) {
        return try await exchange(
          endpoint, name, by: tag, fields: Self.acceptedManifests, patience: patience)
      }
    } catch {
      // A tag that means something else by now says nothing of the digest.
      if error.isFinal || refusal.status == 406 { throw error }
    }
    throw refusal
  }

  /// Whether it may be the digest that a server does not know: some have 400, 403 or 500 for that.
  private static func saysNothingOfDigest(_ refusal: RegistryError) -> Bool {
    if case .overloaded = refusal.kind { return false }
    return refusal.kind == .notFound || [400, 403, 500].contains(refusal.status)
  }

  /// The tag that the reference has beside a digest; nil: it has none, or the digest is another's.
  private func tag(beside name: DocumentName) -> DocumentName? {
    guard case .digest(let digest, _) = name, digest == reference.digest else { return nil }
    return reference.tag.map { .tag($0) }
  }

  private static let anything = HTTPFields(
    acceptedManifests.all.map { ($0.name, $0.value) } + [("Accept", "*/*")])
}
