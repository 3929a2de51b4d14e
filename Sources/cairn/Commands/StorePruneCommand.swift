import ArgumentParser
import FoundationEssentials
import OCI
import Store

/// `cairn store prune`.
struct StorePruneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract: "Remove blobs and partial downloads that no image in the store needs.",
    discussion:
      "With --older-than or --keep-bytes, images go too, those pulled longest ago first; with --older-than, younger partial downloads stay."
  )

  @Option(
    help: ArgumentHelp(
      "Remove images last pulled longer ago, for example 30d.", valueName: "time"))
  var olderThan: TimeSpan?

  @Option(
    help: ArgumentHelp(
      "Remove old images until no more than this is left, for example 20G.", valueName: "bytes"))
  var keepBytes: ByteSize?

  @Flag(help: "Remove nothing; print what would be removed.")
  var dryRun = false

  @OptionGroup var storeOptions: StoreOptions

  func run() throws {
    let opened = dryRun ? try storeOptions.openForReading() : try storeOptions.openExisting()
    guard let store = opened else { return }
    let removal = try onDisk { () throws(StoreError) in
      try StoreMaintenance(store: store).prune(
        olderThan: olderThan?.seconds, keepBytes: keepBytes?.bytes,
        now: Date().timeIntervalSince1970, isRehearsal: dryRun)
    }
    storeOptions.sayNotes()
    print(removal.words(isRehearsal: dryRun))
  }
}

extension StoreMaintenance.Removal {
  /// What was removed, or would be, in lines.
  func words(isRehearsal: Bool = false) -> String {
    let lines = images.map { (isRehearsal ? "would remove " : "removed ") + $0.asOneLine }
    let counts = "\(blobs) blobs, \(partials) partial downloads"
    let freed = (isRehearsal ? "would free " : "freed ") + ByteCount.text(bytes)
    return (lines + ["\(freed): \(counts)"]).joined(separator: "\n")
  }
}
