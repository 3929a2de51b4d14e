import Hashing

/// Who asks a registry, told apart by what was shown without knowing it.
enum CallerKey: Hashable, Sendable {
  /// Nobody in particular: what upstream gives to anybody.
  case anonymous
  /// Whoever shows this credential.
  case holder(KeyedHash.Value)
  /// This endpoint's owner, whose own credentials are used for him.
  case owner
}
