package import FoundationEssentials

/// The links and images of `models/`, which are in the program: it simulates from any folder.
///
/// Their texts are written into source files by a test, which also sees that they are the files'.
package enum ShippedModels {
  /// The names of all links, in order.
  package static var linkNames: [String] { links.map(\.name) }

  /// The names of all images, in order.
  package static var imageNames: [String] { images.map(\.name) }

  /// A link's JSON.
  ///
  /// - Parameter name: its file's name, without `.json`.
  /// - Returns: nil where there is none.
  package static func link(_ name: String) -> Data? { json(of: name, in: links) }

  /// An image's JSON.
  ///
  /// - Parameter name: its file's name, without `.json`.
  /// - Returns: nil where there is none.
  package static func image(_ name: String) -> Data? { json(of: name, in: images) }

  private static func json(of name: String, in models: [(name: String, json: String)]) -> Data? {
    models.first { $0.name == name }.map { Data($0.json.utf8) }
  }
}
