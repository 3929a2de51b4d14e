import ArgumentParser
import FoundationEssentials
import OCI
import Store

/// `cairn store`.
struct StoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store",
    abstract: "Look after the store, an OCI image layout that other tools read too.",
    subcommands: [List.self, StoreVerifyCommand.self, Prune.self, Path.self])

  /// `cairn store path`.
  struct Path: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the store's directory.")
    @OptionGroup var storeOptions: StoreOptions

    func run() { print(storeOptions.path) }
  }

  /// `cairn store list`.
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the images in the store.")

    @Option(help: "Form of the output.")
    var format = OutputFormat.text
    @OptionGroup var storeOptions: StoreOptions

    private struct Row: Encodable {
      var name: String
      var digest: Digest
      var platform: String?
      var size: Int64
      var pulled: String?
      var isComplete: Bool
    }

    func run() throws {
      let store = try storeOptions.open()
      let images = try onDisk { () throws(StoreError) in try StoreMaintenance(store: store).images()
      }
      let rows = images.map { image in
        Row(
          name: image.name, digest: image.descriptor.digest,
          platform: image.descriptor.platform?.description, size: image.size,
          pulled: image.pulled > 0
            ? Date(timeIntervalSince1970: image.pulled).formatted(.iso8601) : nil,
          isComplete: image.isComplete)
      }
      if format == .json {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(rows), as: UTF8.self))
        return
      }
      let width = rows.map(\.name.count).max() ?? 0
      for row in rows {
        let name = row.name + String(repeating: " ", count: width - row.name.count)
        let state = row.isComplete ? "" : "  (incomplete)"
        let columns = [
          name, row.digest.short, ByteCount.text(row.size), row.platform ?? "-", row.pulled ?? "-",
        ]
        print(columns.joined(separator: "  ") + state)
      }
    }
  }

  /// `cairn store prune`.
  struct Prune: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Remove blobs and partial downloads that no image in the store needs.",
      discussion:
        "With --older-than or --keep-bytes, images go too, those pulled longest ago first.")

    @Option(
      help: ArgumentHelp(
        "Remove images last pulled longer ago, for example 30d.", valueName: "time"))
    var olderThan: TimeSpan?

    @Option(
      help: ArgumentHelp(
        "Remove old images until no more than this is left, for example 20G.", valueName: "bytes"))
    var keepBytes: ByteSize?

    @OptionGroup var storeOptions: StoreOptions

    func run() throws {
      let store = try storeOptions.open()
      let report = try onDisk { () throws(StoreError) in
        try StoreMaintenance(store: store).prune(
          olderThan: olderThan?.seconds, keepBytes: keepBytes?.bytes,
          now: Date().timeIntervalSince1970)
      }
      storeOptions.sayNotes()
      for name in report.images { print("removed \(name)") }
      print(
        "freed \(ByteCount.text(report.bytes)): \(report.blobs) blobs, "
          + "\(report.partials) partial downloads")
    }
  }
}

/// Runs something on the store; its error ends the command.
func onDisk<Value>(_ body: () throws(StoreError) -> Value) throws -> Value {
  do throws(StoreError) {
    return try body()
  } catch {
    throw CommandFailure(error)
  }
}
