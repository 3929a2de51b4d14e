/// In what form an image is written beside the store; what each can hold is said here, and nowhere else.
package enum OutputTransport: String, Sendable, CaseIterable {
  /// An OCI image layout; the tag names the image in it.
  case oci
  /// A tar file of an OCI image layout.
  case ociArchive = "oci-archive"
  /// What `docker save` writes and `docker load` reads.
  case dockerArchive = "docker-archive"
  /// Skopeo's flat directory of one image.
  case directory = "dir"

  /// What an image may be called in an output, as forms have it.
  enum Labels: String {
    case none = ""
    case tag = "[:TAG]"
    case reference = "[:REF]"
  }

  /// The word that begins such outputs, with its colon.
  package var word: String { rawValue + ":" }

  /// How such outputs are written, for help and errors.
  var form: String { word + (isFile ? "FILE" : "DIR") + labels.rawValue }

  /// What an image may be called in one.
  var labels: Labels {
    switch self {
    case .oci, .ociArchive: .tag
    case .dockerArchive: .reference
    case .directory: .none
    }
  }

  /// Whether one is a file, or standard output, and not a directory.
  package var isFile: Bool {
    switch self {
    case .ociArchive, .dockerArchive: true
    case .oci, .directory: false
    }
  }

  /// Whether one holds the image of one platform, and no index.
  var holdsOnePlatform: Bool {
    switch self {
    case .dockerArchive, .directory: true
    case .oci, .ociArchive: false
    }
  }

  /// Whether one is there to be loaded: it takes images only, no artifacts, and layers that can be loaded.
  package var takesImagesOnly: Bool {
    switch self {
    case .dockerArchive: true
    case .oci, .ociArchive, .directory: false
    }
  }

  /// A list for people: "a, b or c".
  static func choice(_ words: [String]) -> String {
    words.dropLast().joined(separator: ", ") + (words.last.map { " or \($0)" } ?? "")
  }

  /// Those of which something is so, as a list for people.
  static func choice(where isSo: (OutputTransport) -> Bool) -> String {
    choice(allCases.filter(isSo).map(\.word))
  }

  /// What an artifact gets in place of such an output.
  package var noImage: StoreError {
    .badOutput("a \(word) output takes images only, and this is an artifact")
  }
}
