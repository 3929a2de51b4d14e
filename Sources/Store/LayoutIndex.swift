import Disk
import FoundationEssentials
package import OCI
import Text

/// The `index.json` of an OCI image layout: which manifests have names.
///
/// What others wrote there stays as they wrote it: members of the index and of its entries that
/// Cairn does not know, and entries that it cannot read.
package struct LayoutIndex: Sendable, Equatable {
  /// One entry.
  struct Entry: Sendable, Equatable {
    /// What was read of it; nil where it is no descriptor.
    let descriptor: Descriptor?
    /// As it stands in the file.
    let text: JSONTree

    /// Takes an entry of a file.
    init(_ text: JSONTree) {
      self.text = text
      descriptor = text.decoded(as: Descriptor.self).flatMap { $0.hasSize ? $0 : nil }
    }

    /// Makes an entry.
    ///
    /// - Throws: `EncodingError`.
    init(_ descriptor: Descriptor) throws {
      self.descriptor = descriptor
      text = try JSONTree(encoding: descriptor)
    }

    /// What it is called, also where the rest cannot be read.
    var name: String? { text["annotations"]?[LayoutIndex.nameKey]?.string }

    /// The digest that it names, also where the rest cannot be read.
    var digest: Digest? { descriptor?.digest ?? text["digest"]?.decoded(as: Digest.self) }
  }

  /// The entries.
  private(set) var entries: [Entry] = []
  /// The index without its entries.
  private var members: JSONTree

  /// The entries that can be read.
  package var manifests: [Descriptor] { entries.compactMap(\.descriptor) }

  /// The annotation with an entry's name.
  package static let nameKey = "org.opencontainers.image.ref.name"
  /// The annotation with the digest of the index that an entry was chosen from.
  package static let indexKey = "dev.cairn.index.digest"
  /// The annotation with the digest that the registry serves, where an entry is an OCI twin of it.
  package static let sourceKey = "dev.cairn.source.digest"
  /// The annotation with the seconds since 1970 of the last pull.
  package static let pulledKey = "dev.cairn.pulled"

  /// The file that an index is in.
  static let fileName = "index.json"
  /// The file that makes a directory a layout, and what it says.
  static let layoutName = "oci-layout"
  static let layoutFile = #"{"imageLayoutVersion":"1.0.0"}"#
  static let limit: Int64 = 64 << 20

  static let manifestsName = "manifests"
  private static let newMembers =
    #"{"manifests":[],"mediaType":"\#(MediaType.ociIndex)","schemaVersion":2}"#

  /// An index without entries.
  package init() { members = JSONTree(Self.newMembers.utf8) ?? .object([]) }

  init(readingFrom folder: Folder) throws(StoreError) {
    try self.init(disk(try folder.read(Self.fileName, limit: Self.limit)), in: folder)
  }

  /// Reads what the file in a folder has.
  init(_ bytes: [UInt8], in folder: Folder) throws(StoreError) {
    guard let index = Self(json: Data(bytes)) else {
      throw .noIndex(path: folder.path(of: Self.fileName))
    }
    self = index
    try checkSchema(in: folder)
  }

  /// What the file says of its form; nil: nothing, or nothing that is a number.
  var schemaVersion: Int? { members["schemaVersion"]?.decoded(as: Int.self) }

  init?(json data: Data) {
    guard let tree = JSONTree(data), tree.values != nil else { return nil }
    // Some write null, or nothing, for a list of nothing.
    let list = tree[Self.manifestsName] ?? .array([])
    guard let found = list.isNull ? [] : list.elements else { return nil }
    members = tree
    members[Self.manifestsName] = .array([])
    if members["schemaVersion"] == nil { members["schemaVersion"] = .scalar(Array("2".utf8)) }
    entries = found.map { Entry($0) }
  }

  func encoded() throws(StoreError) -> Data {
    var tree = members
    tree[Self.manifestsName] = .array(entries.map(\.text))
    let data = tree.data
    guard data.count <= Self.limit else {
      throw .badIndex(
        path: Self.fileName, reason: "it would be larger than \(Self.limit >> 20) MiB")
    }
    return data
  }

  /// Writes the file.
  ///
  /// - Returns: what it has now.
  @discardableResult
  func write(to folder: Folder, mode: UInt32 = 0o600) throws(StoreError) -> Data {
    let data = try encoded()
    try disk(try folder.writeAtomically(Self.fileName, data, mode: mode))
    return data
  }

  /// The entry of a name.
  ///
  /// - Parameter name: for example `docker.io/library/ubuntu:latest`.
  package subscript(name: String) -> Descriptor? {
    entries.first { $0.isNamed(name) }?.descriptor
  }

  /// Whether an entry has a name, also one that cannot be read.
  ///
  /// - Parameter name: the name.
  func hasName(_ name: String) -> Bool { entries.contains { $0.isNamed(name) } }

  /// Gives a name to a manifest, taking it from whatever had it.
  ///
  /// - Parameters:
  ///   - name: the name.
  ///   - descriptor: the manifest; other annotations stay.
  /// - Throws: `StoreError.badIndex` where the entry cannot be encoded.
  package mutating func set(_ name: String, _ descriptor: Descriptor) throws(StoreError) {
    var named = descriptor.bounded
    named.annotations = (named.annotations ?? [:]).merging([Self.nameKey: name]) { $1 }
    let entry = try Self.entry(named)
    guard let place = entries.firstIndex(where: { $0.isNamed(name) }) else {
      entries.append(entry)
      return
    }
    // Others may have written it more than once.
    entries.removeAll { $0.isNamed(name) }
    entries.insert(entry, at: place)
  }

  /// Puts something else in the place of each entry that is an image of a name; nil: nothing.
  ///
  /// - Parameter only: of one entry alone, by its place.
  mutating func rewrite(_ name: String, only place: Int? = nil, _ change: (Entry) -> Entry?) {
    entries = entries.enumerated().compactMap { number, entry in
      guard entry.isImage(of: name), place == nil || place == number else { return entry }
      return change(entry)
    }
  }

  /// Puts a manifest in the place of an entry.
  mutating func replace(_ entry: Entry, by descriptor: Descriptor) throws(StoreError) {
    let new = try Self.entry(descriptor.bounded)
    entries = entries.map { $0 == entry ? new : $0 }
  }

  /// Adds a manifest without a name.
  ///
  /// - Parameter descriptor: the manifest.
  /// - Throws: `StoreError.badIndex` where the entry cannot be encoded.
  mutating func append(_ descriptor: Descriptor) throws(StoreError) {
    entries.append(try Self.entry(descriptor.bounded))
  }

  /// Removes entries.
  ///
  /// - Parameter isDoomed: which of those that can be read.
  mutating func remove(where isDoomed: (Descriptor) -> Bool) {
    entries.removeAll { $0.descriptor.map(isDoomed) ?? false }
  }

  private static func entry(_ descriptor: Descriptor) throws(StoreError) -> Entry {
    do {
      return try Entry(descriptor.marked)
    } catch {
      throw .badIndex(path: Self.fileName, reason: "an entry cannot be encoded")
    }
  }
}
