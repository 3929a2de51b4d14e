import FoundationEssentials

/// Descriptors as every reader can read them: members of the kinds that the specification gives them.
enum DescriptorForm {
  /// A descriptor with this type, and without what would make others refuse it.
  ///
  /// - Parameters:
  ///   - found: as it was served.
  ///   - descriptor: what was read of it.
  ///   - type: what the content is; nothing is written where it is empty.
  static func cleaned(_ found: JSONTree, _ descriptor: Descriptor, type: MediaType) -> JSONTree {
    var tree = withoutOddMembers(found)
    if !type.rawValue.isEmpty, tree["mediaType"]?.string != type.rawValue {
      tree["mediaType"] = JSONTree(string: type.rawValue)
    }
    guard descriptor.hasSize else {
      tree["size"] = nil
      return tree
    }
    // Also 1234.0 is a number that only some can read.
    let size = JSONTree.scalar(Array(String(descriptor.size).utf8))
    if tree["size"] != size { tree["size"] = size }
    return tree
  }

  /// What a manifest refers to: kept as it is, but for what would make others refuse the manifest.
  ///
  /// - Parameter found: as it was served.
  /// - Returns: nil where nobody could read it.
  static func subject(_ found: JSONTree) -> JSONTree? {
    if found.isNull { return found }
    guard found.values != nil else { return nil }
    if let descriptor = found.decoded(as: Descriptor.self) {
      return cleaned(found, descriptor, type: MediaType(rawValue: ""))
    }
    guard found["digest"].map(isString) ?? true,
      found["size"].map({ $0.isNull || $0.decoded(as: Int64.self) != nil }) ?? true
    else { return nil }
    return withoutOddMembers(found)
  }

  private static func withoutOddMembers(_ found: JSONTree) -> JSONTree {
    var tree = found
    if let type = tree["mediaType"], !isString(type) { tree["mediaType"] = nil }
    if let urls = tree["urls"], !isStrings(urls) {
      tree["urls"] = urls.elements.map { .array($0.filter { $0.string != nil }) }
    }
    if let data = tree["data"], !data.isNull, data.decoded(as: Data.self) == nil {
      tree["data"] = nil
    }
    if let platform = tree["platform"], !isPlatform(platform) { tree["platform"] = nil }
    return withoutOddNotes(tree)
  }

  /// A document or a descriptor whose annotations and type of artifact are strings.
  static func withoutOddNotes(_ found: JSONTree) -> JSONTree {
    var tree = found
    if let type = tree["artifactType"], !isString(type) { tree["artifactType"] = nil }
    guard let notes = tree["annotations"], !notes.isNull else { return tree }
    guard case .object(let members) = notes else {
      tree["annotations"] = nil
      return tree
    }
    let kept = members.filter { isString($0.value) }
    if kept.count < members.count { tree["annotations"] = .object(kept) }
    return tree
  }

  private static func isString(_ tree: JSONTree) -> Bool { tree.isNull || tree.string != nil }

  private static func isStrings(_ tree: JSONTree) -> Bool {
    tree.isNull || tree.elements?.allSatisfy(isString) ?? false
  }

  private static func isPlatform(_ tree: JSONTree) -> Bool {
    if tree.isNull { return true }
    guard tree.values != nil else { return false }
    return ["os", "architecture", "variant", "os.version"].allSatisfy {
      tree[$0].map(isString) ?? true
    }
      && ["os.features", "features"].allSatisfy { tree[$0].map(isStrings) ?? true }
  }
}
