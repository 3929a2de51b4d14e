package import OCI

/// A blob that somebody wants.
package struct Wish: Sendable {
  /// What it must turn out to be, and where else it may be had.
  package var blob: Descriptor
  /// What it is to people: `config`, or `layer 3`.
  package var label: String
  /// What it is a part of, for words: the image as its user named it.
  package var owner: String
  /// Bytes of it that came already, and where they begin; they are not hashed.
  package var glimpse: (offset: Int64, bytes: [UInt8]) = (0, [])

  /// Makes a wish.
  ///
  /// - Parameters:
  ///   - blob: what is wanted.
  ///   - label: what it is to people.
  ///   - owner: what it is a part of.
  package init(_ blob: Descriptor, label: String, owner: String) {
    self.blob = blob
    self.label = label
    self.owner = owner
  }
}
