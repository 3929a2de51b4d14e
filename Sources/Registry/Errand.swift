/// That somebody else's question is asked, with what he shows: the owner of this process has
/// nothing to do with it.
///
/// What is shown goes to the registry itself, by the name and port that its images have, and
/// nowhere else: to no mirror, to no server that a file puts in its place, and over no redirect.
package struct Errand: Sendable {
  /// The `Authorization` that is sent as it came; nil: what the credential chain has is shown once
  /// it is wanted.
  package var authorization: String?

  /// Makes an errand.
  ///
  /// - Parameter authorization: the field's value, sent as it came.
  package init(authorization: String? = nil) { self.authorization = authorization }
}
