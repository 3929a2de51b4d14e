/// What a person who waits for a pull wants to know.
package enum RegistryNotice: Sendable, Equatable {
  /// Nothing is asked of a server for so many seconds, and why.
  case waiting(seconds: Double, because: String)
  /// A server lets others wait for its answer, and what is done meanwhile: a clause that begins
  /// with what it does.
  case late(String, because: String)
  /// A mirror is not asked any more in this run.
  case mirrorGivenUp(String, because: String)
  /// Something that a user may want to know, in a sentence.
  case warning(String)
  /// Of interest in a log.
  case detail(String)
}
