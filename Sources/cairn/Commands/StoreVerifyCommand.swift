import ArgumentParser
import CairnKit
import OCI
import Progress
import Pull
import Store
import Text
import Tuning

/// `cairn store verify`.
struct StoreVerifyCommand: AsyncParsableCommand, RegistryCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Read every blob in the store and compare it with its digest.",
    discussion: "With --repair, wrong blobs are removed and their images pulled again.")

  @Flag(help: "Remove wrong blobs and fetch them again.")
  var repair = false

  @OptionGroup var storeOptions: StoreOptions
  @OptionGroup var registryOptions: RegistryOptions

  func run() async throws {
    let store = try storeOptions.openRequired(writing: repair)
    let maintenance = StoreMaintenance(store: store)
    let found = try onDisk { () throws(StoreError) in
      try maintenance.verify(removesDamage: repair)
    }
    storeOptions.sayNotes()
    for damage in found.damage {
      let users =
        damage.images.isEmpty
        ? "" : ", needed by \(damage.images.map(\.asOneLine).joined(separator: ", "))"
      print("damaged: \(damage.digest): \(damage.reason)\(users)")
    }
    for digest in found.unread {
      print("not read: \(digest): most of it is holes, and no image says how large it is")
    }
    print(
      "\(found.blobs) blobs read, \(ByteCount.text(found.bytes)), \(found.damage.count) damaged")
    guard !found.damage.isEmpty else { return }
    let broken = Set(found.damage.flatMap(\.images).map(\.exact))
    guard repair else {
      throw CommandFailure(
        message: "the store is damaged", hint: "\"cairn store verify --repair\" fetches it again",
        kind: .integrity)
    }
    let images = try onDisk { () throws(StoreError) in try maintenance.images() }
    try await fetchAgain(images.filter { broken.contains($0.label.exact) })
  }

  /// Pulls images again, each whatever became of those before it: their damaged blobs are gone already.
  ///
  /// - Throws: what became of all that failed.
  private func fetchAgain(_ images: [StoreMaintenance.Image]) async throws {
    var failures: [CommandFailure] = []
    for image in images {
      do {
        try await fetchAgain(image)
      } catch var failure as CommandFailure where Signals.first == nil {
        failure.message = "\(image.label.asOneLine): \(failure.message)"
        failures.append(failure)
      }
    }
    if let failure = CommandFailure(worstOf: failures, of: images.count) { throw failure }
  }

  /// Pulls exactly what the store's index names, whatever the tag means by now.
  private func fetchAgain(_ image: StoreMaintenance.Image) async throws {
    let reference = try parsed { () throws(OCIError) in try Reference(image.name) }
      .pinned(to: image.sourceDigest)
    var options = PullOptions()
    options.registry = try registryOptions.own(reference.registry).access()
    options.platforms = image.descriptor.mediaType.isIndex ? .all : .host
    options.policy = { most, _ in
      FixedPolicy(poolSize: min(most, 2 * Machine.effectiveCPUs), reason: "2 x CPU")
    }
    options.history = .none
    let display = PlainDisplay()
    let session = PullSession(options, display: display)
    try await orFailure { () async throws(CairnError) in
      var requests = try session.requests(for: [reference])
      for index in requests.indices { requests[index].storeName = image.name }
      for outcome in try await session.pull(requests, into: storeOptions.place).outcomes {
        display.show(.finished(try outcome.result.get()))
      }
    }
  }
}
