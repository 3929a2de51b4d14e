import Downloads
package import OCI
package import Registry
package import Store
import Transfer

/// Why a pull failed.
package enum PullError: Error, Sendable, CustomStringConvertible {
  /// The registry did not give what was asked for.
  case registry(RegistryError)
  /// What the registry gave is not a usable image.
  case document(OCIError, what: String)
  /// The index has no image for the platform; `unreadable` of its entries might have one.
  case noPlatform(
    wanted: Platform, available: [Platform], unreadable: Int = 0, reference: String)
  /// The index has no image that can be read, but perhaps artifacts, of these types.
  case noImage(artifacts: [String], unreadable: Int = 0, reference: String)
  /// Content does not match its digest, after it was fetched again.
  case integrity(String)
  /// The store cannot be written.
  case store(StoreError)
  /// An output cannot be written, or what it has cannot go there.
  case output(StoreError)
  /// The pull was cancelled; bytes on disk and bytes in all.
  case interrupted(done: Int64, size: Int64)
  /// It failed like this with so many bytes on disk, of so many in all, from which the next pull goes on.
  indirect case partly(PullError, done: Int64, size: Int64)

  /// Why it failed, whatever is on disk.
  var cause: PullError { if case .partly(let cause, _, _) = self { cause.cause } else { self } }

  /// Does something at the store or an output.
  ///
  /// - Throws: `PullError.store`.
  static func disk<Value>(_ body: () throws(StoreError) -> Value) throws(PullError) -> Value {
    do throws(StoreError) {
      return try body()
    } catch {
      throw .store(error)
    }
  }

  /// What kind of failure this is, for exit codes.
  package enum Category: Sendable {
    case usage, notFound, unauthorised, network, integrity, disk, interrupted
  }

  /// The failure of a small request to a registry: interrupted where the task was cancelled.
  package init(_ error: RegistryError) {
    if case .transfer(let cause) = error.kind, cause.kind == .cancelled {
      self = .interrupted(done: 0, size: 0)
    } else {
      self = .registry(error)
    }
  }

  /// The kind of failure.
  package var category: Category {
    switch self {
    case .noPlatform, .noImage: return .notFound
    case .document, .integrity: return .integrity
    case .interrupted: return .interrupted
    case .partly(let error, _, _): return error.category
    case .store(let error), .output(let error):
      switch error {
      case .wrongContent: return .integrity
      case .badOutput: return .usage
      case .interrupted: return .interrupted
      default: return .disk
      }
    case .registry(let error):
      switch error.kind {
      case .notFound: return .notFound
      case .unauthorised: return .unauthorised
      case .integrity, .unusable: return .integrity
      case .overloaded, .serverError, .rangeRefused, .protocolError, .transfer, .refusedTarget:
        return .network
      }
    }
  }

  /// One sentence.
  package var description: String {
    switch self {
    case .registry(let error): return error.description
    case .document(let error, let what): return "\(what): \(error)"
    case .noPlatform(let wanted, let available, let unreadable, let reference):
      let list = available.map(\.description)
      let rest = Self.unreadable(unreadable)
      guard !list.isEmpty else {
        return "\(reference) has no image for \(wanted), and names no other\(rest)"
      }
      return
        "\(reference) has no image for \(wanted)\(rest); available: \(list.joined(separator: ", "))"
    case .noImage(let artifacts, let unreadable, let reference):
      guard !artifacts.isEmpty else {
        return "\(reference) is an index that names no image\(Self.unreadable(unreadable))"
      }
      let types = Set(artifacts).sorted().prefix(5).map { $0.shownSafely(limit: 80) }
      return
        "\(reference) is an index of artifacts (\(types.joined(separator: ", "))) and has no image"
    case .integrity(let reason): return reason
    case .store(let error), .output(let error): return error.description
    case .interrupted(_, 0):
      return "interrupted"
    case .interrupted(let done, let size):
      return "interrupted \(Self.onDisk(done, size))"
    case .partly(let error, let done, let size):
      return "\(error), \(Self.onDisk(done, size))"
    }
  }

  private static func onDisk(_ done: Int64, _ size: Int64) -> String {
    "with \(ByteCount.text(done)) of \(ByteCount.text(size)) on disk"
  }

  /// Whether what was sent is the matter, and not how far it came: there is nothing to go on from.
  private var isOfContent: Bool {
    switch self {
    case .registry(let error): error.cut != nil || error.isWrongContent
    case .integrity: true
    default: false
    }
  }

  private static let goOn = "run the same command again to go on from there"

  private static func unreadable(_ count: Int) -> String {
    switch count {
    case 0: ""
    case 1: " (one of its entries cannot be read)"
    default: " (\(count) of its entries cannot be read)"
    }
  }

  private static func hint(ofStore lack: StoreError.Lack) -> String {
    switch lack {
    case .space: "free some space where the store is (\"cairn store prune\" may help)"
    case .files:
      "remove files where the store is (\"df -i\" counts them, \"cairn store prune\" may help), or take another "
        + "disk with --store DIR"
    case .quota:
      "the quota counts your own files, or a project's: remove some where the store is (\"cairn store prune\" may help), "
        + "or have it raised"
    case .fileSize:
      "files are limited where the store is: see ulimit -f, or take another disk with --store DIR"
    }
  }

  private static func hint(ofOutput lack: StoreError.Lack) -> String {
    let way =
      switch lack {
      case .space: "free some space where the output goes"
      case .files: "remove files where the output goes (\"df -i\" counts them)"
      case .quota: "remove some of what the quota counts where the output goes"
      case .fileSize: "let the output go where files may be larger (see ulimit -f)"
      }
    return "the image is in the store; \(way), and run it again"
  }

  /// What the user could do, where something helps.
  package var hint: String? {
    switch self {
    case .registry(let error): error.hint
    case .noPlatform(_, let available, _, _):
      available.isEmpty
        ? "take all of it with --all-platforms"
        : "choose one with --platform, or take all with --all-platforms"
    case .noImage([], _, _): nil
    case .noImage: "take all of it with --all-platforms, or one of them by its digest"
    case .interrupted, .store(.interrupted), .output(.interrupted): Self.goOn
    case .partly(let error, _, _) where error.isOfContent: error.hint
    case .partly(let error, _, _): (error.hint.map { $0 + "; " } ?? "") + Self.goOn
    case .store(let error) where error.lack != nil: error.lack.map(Self.hint(ofStore:))
    case .store(.noIndex):
      "what it named is lost, and the blobs are there: remove that file and pull the images again, which fetches "
        + "nothing twice; prune the store only then"
    case .store(let error) where error.isUnmakeable:
      "name a directory that can be written with --store DIR or in CAIRN_STORE"
    case .store(let error) where error.isUnwritable:
      "of a store that cannot be written, what is named by digest and all there is written to an --output; "
        + "\"skopeo copy oci:STORE:NAME …\" reads it, too"
    case .output(let error) where error.lack != nil: error.lack.map(Self.hint(ofOutput:))
    case .integrity:
      "the damaged data was dropped; if it happens again, the registry or a proxy serves wrong data, or the image was "
        + "pushed with a wrong digest and must be pushed again"
    default: nil
    }
  }
}

extension PullError {
  /// Why an image's blobs did not come.
  init(
    _ error: DownloadError, blobs: [LabelledBlob], missing: [LabelledBlob],
    _ downloads: [Download]
  ) {
    let size = blobs.lazy.map(\.size).clampedSum
    let here = size.subtractingClamped(missing.lazy.map(\.size).clampedSum)
    let done = here.addingClamped(downloads.lazy.map(\.progress.done).clampedSum)
    switch error {
    case .registry(let error): self = .registry(error)
    case .store(let error): self = .store(error)
    case .integrity(let reason): self = .integrity(reason)
    case .stopped:
      self = .interrupted(done: done, size: size)
      return
    }
    if done > 0 { self = .partly(self, done: done, size: size) }
  }
}
