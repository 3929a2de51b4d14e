package import OCI

/// What a short name stands for.
package struct ShortNames: Sendable, Equatable {
  /// A short name that cannot be used.
  package struct Unresolved: Error, Sendable, Equatable {
    /// Why.
    package let reason: String
  }

  /// The images, the first that is there counts; at least one.
  package let references: [Reference]
  /// What says so, with the file.
  package let because: String
}
