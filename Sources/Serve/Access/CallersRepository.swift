/// A repository as one caller has it.
struct CallersRepository: Hashable, Sendable {
  /// As in a reference.
  var registry: String
  /// Its path there.
  var repository: String
  var caller: CallerKey
}
