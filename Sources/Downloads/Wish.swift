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
  /// The part of it that is wanted; nil: all of it.
  package var part: Range<Int64>?
  /// Who may share it before it is verified.
  package var circle = Circle.named
  /// Told when the blob is in the store, where it came apart from what others bring: all of it by the circle.
  package var arrived: @Sendable () -> Void = {}
  /// Whether what the store has is the circle's, too.
  package var isBrought: @Sendable () -> Bool = { true }

  /// What has to be alike for two wishes to be one.
  struct Key: Hashable {
    var spot: Spot
    /// One of two sizes is wrong: what is right for the one would be a part of it for the other.
    var size: Int64
  }

  /// A blob in a circle.
  struct Spot: Hashable {
    var circle: Circle
    var digest: Digest
  }

  var key: Key { Key(spot: Spot(circle: circle, digest: blob.digest), size: blob.size) }

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
