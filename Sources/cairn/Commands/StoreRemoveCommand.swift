import ArgumentParser
import OCI
import Store
import Text

/// `cairn store remove`.
struct StoreRemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Remove images, and the blobs that only they need.",
    discussion: """
      An image is named as in "cairn store list": as it was pulled, or by one of its digests. \
      Without --platform every platform of it goes; where the one goes that has the name, the \
      one pulled before it gets it.
      """)

  @Argument(help: "The images.", completion: .storedImages)
  var images: [String]

  @Option(
    help: ArgumentHelp("Only the image for this platform.", valueName: "os/arch[/variant]"),
    completion: .platforms)
  var platform: String?

  @OptionGroup var storeOptions: StoreOptions

  func run() throws {
    let wanted = try platform.map { text in
      try parsed { () throws(OCIError) in try Platform(text) }
    }
    let store = try storeOptions.openRequired(writing: true)
    let maintenance = StoreMaintenance(store: store)
    let known = try onDisk { () throws(StoreError) in try maintenance.images() }
    for image in images where !known.contains(where: { isMeant($0, by: image, wanted) }) {
      let place = wanted.map { " for \($0)" } ?? ""
      throw CommandFailure(
        message: "the store has no image \(image.shownSafely(limit: 300))\(place)",
        hint: "\"cairn store list\" shows what is there", kind: .notFound)
    }
    let removal = try onDisk { () throws(StoreError) in
      try maintenance.remove { found in images.contains { isMeant(found, by: $0, wanted) } }
    }
    storeOptions.sayNotes()
    if let removal { print(removal.words()) }
  }

  /// Whether an image of the store is what somebody typed.
  private func isMeant(
    _ image: StoreMaintenance.Image, by text: String, _ platform: Platform?
  ) -> Bool {
    if let platform {
      guard let own = image.descriptor.platform, platform.preference(for: own) == Platform.exactly
      else { return false }
    }
    if image.name.exact == text.exact { return true }
    if let digest = try? Digest(text) {
      return [image.descriptor.digest, image.sourceDigest, image.resolvedDigest].contains(digest)
    }
    return (try? Reference(text))?.storeName.exact == image.name.exact
  }
}
