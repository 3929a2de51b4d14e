import ArgumentParser
import FoundationEssentials
import OCI
import Store

/// `cairn store list`.
struct StoreListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the images in the store.",
    discussion: """
      Columns: name, digest of what the name meant in its registry (the index's, where it is \
      one), size, platform, time of the last pull. Of several platforms of one name the one \
      pulled last has it, for other tools; "beside" marks the others.
      """)

  @Option(help: "Form of the output.")
  var format = OutputFormat.text
  @OptionGroup var storeOptions: StoreOptions

  private struct Row: Encodable {
    var name: String
    var hasName: Bool
    var digest: Digest
    var platform: String?
    var platformDigest: Digest?
    var layoutDigest: Digest
    var size: Int64
    var pulled: String?
    var isComplete: Bool

    init(_ image: StoreMaintenance.Image) {
      name = image.name
      hasName = !image.isHeld
      digest = image.resolvedDigest
      platform = image.descriptor.platform?.description
      platformDigest = image.platformDigest
      layoutDigest = image.descriptor.digest
      size = image.size
      pulled =
        image.pulled > 0 ? Date(timeIntervalSince1970: image.pulled).formatted(.iso8601) : nil
      isComplete = image.isComplete
    }
  }

  func run() throws {
    let store = try storeOptions.openForReading()
    let images = try onDisk { () throws(StoreError) in
      try store.map { store throws(StoreError) in try StoreMaintenance(store: store).images() }
        ?? []
    }
    let rows = images.map(Row.init)
    if format == .json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      print(String(decoding: try encoder.encode(rows), as: UTF8.self))
      return
    }
    let names = rows.map(\.name.asOneLine)
    let width = names.map(\.count).max() ?? 0
    for (row, shown) in zip(rows, names) {
      let name = shown + String(repeating: " ", count: width - shown.count)
      let notes = [row.hasName ? nil : "beside", row.isComplete ? nil : "incomplete"]
        .compactMap { $0 }
      let columns = [
        name, row.digest.short, ByteCount.text(row.size), row.platform ?? "-", row.pulled ?? "-",
      ]
      print(
        columns.joined(separator: "  ")
          + (notes.isEmpty ? "" : "  (\(notes.joined(separator: ", ")))"))
    }
  }
}
