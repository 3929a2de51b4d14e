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

    var columns: [String] {
      let notes = [hasName ? nil : "beside", isComplete ? nil : "incomplete"].compactMap { $0 }
      return [
        name.asOneLine, digest.short, ByteCount.text(size), platform ?? "-", pulled ?? "-",
      ] + (notes.isEmpty ? [] : ["(\(notes.joined(separator: ", ")))"])
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
    for line in Self.lines(rows.map(\.columns)) { print(line) }
  }

  /// Most letters that a column makes room for: one longer name pushes its own line, and no others.
  private static let widest = 60

  /// Lines whose columns stand below each other.
  static func lines(_ rows: [[String]]) -> [String] {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in
      rows.compactMap { $0.indices.contains(column) ? $0[column].count : nil }
        .filter { $0 <= widest }.max() ?? 0
    }
    return rows.map { row in
      row.indices.map { column in
        let isLast = column == row.count - 1
        let space = isLast ? 0 : max(0, widths[column] - row[column].count)
        return row[column] + String(repeating: " ", count: space)
      }.joined(separator: "  ")
    }
  }
}
