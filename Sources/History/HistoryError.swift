/// Why the history cannot be used; a pull goes on without it.
package struct HistoryError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What kind of thing went wrong.
  package enum Kind: Sendable, Equatable {
    /// Made by a newer version; left alone.
    case newer
    /// Other processes held it for too long.
    case locked
    /// It cannot be written.
    case readOnly
    /// No space is left.
    case full
    /// Its content makes no sense.
    case corrupt
    /// It is something else than a history, and was left alone.
    case foreign
    /// It cannot be opened.
    case unreadable
    /// A file to import is not one.
    case notAnExport
  }

  /// What kind of thing went wrong.
  package var kind: Kind
  /// One sentence.
  package var description: String
}
