package import FoundationEssentials

/// The shape of an image: how many blobs, and how large each is.
package struct ImageModel: Sendable, Equatable {
  /// Its name, as on the command line.
  package var name: String
  /// What it stands for, in one sentence.
  package var about: String
  /// The blobs' sizes in bytes.
  package var blobs: [Int64]

  /// Makes a shape.
  ///
  /// - Parameters:
  ///   - name: its name.
  ///   - about: what it stands for.
  ///   - blobs: sizes in bytes.
  package init(name: String, about: String = "", blobs: [Int64]) {
    self.name = name
    self.about = about
    self.blobs = blobs
  }

  /// Reads an image file of `models/images`.
  ///
  /// - Parameter data: JSON; see `models/README.md`.
  /// - Throws: `ModelError`, which names the field.
  package init(json data: Data) throws(ModelError) {
    var fields = try ModelFields(data)
    name = try fields.text("name")
    about = try fields.text("about")
    blobs = try fields.numbers("layersKB", 0.001...1e9).map {
      Int64(exactly: ($0 * 1e3).rounded(.down)) ?? 1
    }
    try fields.finish()
  }

  /// Bytes in all.
  package var size: Int64 { blobs.reduce(0, +) }

  /// The same shape with another size in all.
  ///
  /// - Parameter bytes: the wanted size; each blob keeps its share, and at least one byte.
  package func scaled(to bytes: Double) -> ImageModel {
    let factor = bytes / Double(size)
    return ImageModel(
      name: name, about: about,
      blobs: blobs.map {
        max(1, Int64(exactly: (Double($0) * factor).rounded(.down)) ?? 1)
      })
  }
}
