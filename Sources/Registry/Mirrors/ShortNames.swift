public import OCI

/// What a short name stands for.
public struct ShortNames: Sendable, Equatable {
  /// A short name that cannot be used.
  public struct Unresolved: Error, Sendable, Equatable {
    /// Why.
    public let reason: String
  }

  /// The images, the first that is there counts; at least one.
  public let references: [Reference]
  /// What says so, with the file.
  public let because: String
}
