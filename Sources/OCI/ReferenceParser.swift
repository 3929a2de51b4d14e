/// A recursive-descent parser of image references that knows where it stands, for errors with a caret.
struct ReferenceParser {
  private let text: String
  private let characters: [Character]
  private static let nameLimit = 255
  private static let tagLimit = 128

  init(_ text: String) {
    self.text = text
    characters = Array(text)
  }

  mutating func parse() throws(OCIError) -> Reference {
    guard !characters.isEmpty else { throw error(0, "it is empty") }
    if let scheme = text.range(ofScheme: Self.schemes) {
      throw error(0, "leave out \"\(scheme)\", a reference has no scheme" + meant)
    }
    let at = characters.firstIndex(of: "@")
    let nameAndTag = 0..<(at ?? characters.count)
    guard !nameAndTag.isEmpty else { throw error(0, "a repository name must come before \"@\"") }
    let digest = try at.map { index throws(OCIError) in try parseDigest(from: index + 1) }

    let slash = characters[nameAndTag].firstIndex(of: "/")
    var registry = "docker.io"
    var nameStart = 0
    if let slash, isHost(characters[0..<slash]) {
      try checkHost(0..<slash)
      registry = String(characters[0..<slash])
      nameStart = slash + 1
    }
    let lastSlash = characters[nameAndTag].lastIndex(of: "/") ?? 0
    let colon = characters[max(lastSlash, nameStart)..<nameAndTag.upperBound].firstIndex(of: ":")
    let nameRange = nameStart..<(colon ?? nameAndTag.upperBound)
    try checkRepository(nameRange)
    var tag: String?
    if let colon { tag = try parseTag((colon + 1)..<nameAndTag.upperBound) }

    if nameStart == 0, slash == nil { try checkIsNoID(nameRange, tag) }

    var repository = String(characters[nameRange])
    if registry == "index.docker.io" { registry = "docker.io" }
    if registry == "docker.io", !repository.contains("/") {
      repository = "library/" + repository
      guard repository.count <= Self.nameLimit else {
        throw error(
          nameRange.upperBound - 1,
          "a repository name has at most \(Self.nameLimit) characters, \"library/\" included")
      }
    }
    if tag == nil, digest == nil { tag = "latest" }
    return Reference(registry: registry, repository: repository, tag: tag, digest: digest)
  }

  /// The number of an image on some machine, and a digest alone, are no names.
  ///
  /// Source: docker's `reference.ParseNormalizedNamed`.
  private func checkIsNoID(_ name: Range<Int>, _ tag: String?) throws(OCIError) {
    if name.count == 64, characters[name].allSatisfy(\.isLowerHex) {
      throw error(0, "64 hexadecimal digits are an image's number on some machine, and no name")
    }
    let algorithm = Digest.Algorithm(rawValue: String(characters[name]))
    if let algorithm, let tag, (try? Digest("\(algorithm.rawValue):\(tag)")) != nil {
      throw error(0, "a digest needs a repository before it: NAME@\(algorithm.rawValue):…")
    }
  }

  /// Docker's rule: the first component is a host if it has a dot, a colon, an upper-case letter or
  /// is `localhost`.
  private func isHost(_ component: ArraySlice<Character>) -> Bool {
    String(component) == "localhost" || component.contains { $0 == "." || $0 == ":" || $0 == "[" }
      || component.contains { $0.isUppercase }
  }

  private func checkHost(_ range: Range<Int>) throws(OCIError) {
    guard !range.isEmpty else { throw error(0, "the registry's host name is empty") }
    var index = range.lowerBound
    if characters[index] == "[" {
      guard let close = characters[range].firstIndex(of: "]") else {
        throw error(index, "the IPv6 address has no closing \"]\"")
      }
      let address = characters[(index + 1)..<close]
      for offset in address.indices
      where !(characters[offset].isLowerHex || "ABCDEF:.".contains(characters[offset])) {
        throw error(offset, "this character cannot be in an IPv6 address")
      }
      guard address.filter({ $0 == ":" }).count >= 2 else {
        throw error(index + 1, "this is no IPv6 address")
      }
      index = close + 1
    } else {
      index = characters[range].firstIndex(of: ":") ?? range.upperBound
      try checkHostName(range.lowerBound..<index)
    }
    guard index < range.upperBound else { return }
    guard characters[index] == ":" else {
      throw error(index, "only a port may follow the host name")
    }
    try checkPort((index + 1)..<range.upperBound)
  }

  private func checkHostName(_ range: Range<Int>) throws(OCIError) {
    var labelStart = range.lowerBound
    for index in range.lowerBound...range.upperBound {
      guard index == range.upperBound || characters[index] == "." else {
        let character = characters[index]
        guard character.isASCIILetter || character.isASCIIDigit || character == "-" else {
          throw error(index, "this character cannot be in a host name")
        }
        continue
      }
      guard index > labelStart else { throw error(index, "a part of the host name is empty") }
      for edge in [labelStart, index - 1] where characters[edge] == "-" {
        throw error(edge, "a part of a host name cannot begin or end with \"-\"")
      }
      labelStart = index + 1
    }
  }

  private func checkPort(_ range: Range<Int>) throws(OCIError) {
    guard !range.isEmpty else { throw error(range.lowerBound, "the port number is missing") }
    for index in range where !characters[index].isASCIIDigit {
      throw error(index, "a port is a number from 1 to 65535")
    }
    guard let port = Int(String(characters[range])), (1...65535).contains(port) else {
      throw error(range.lowerBound, "a port is a number from 1 to 65535")
    }
  }

  private func checkRepository(_ range: Range<Int>) throws(OCIError) {
    guard !range.isEmpty else { throw error(range.lowerBound, "the repository name is missing") }
    guard range.count <= Self.nameLimit else {
      throw error(
        range.lowerBound + Self.nameLimit,
        "a repository name has at most \(Self.nameLimit) characters")
    }
    var start = range.lowerBound
    for index in range.lowerBound...range.upperBound
    where index == range.upperBound || characters[index] == "/" {
      try checkPathComponent(start..<index)
      start = index + 1
    }
  }

  /// The grammar: `[a-z0-9]+ ((\.|_|__|-+) [a-z0-9]+)*`.
  private func checkPathComponent(_ range: Range<Int>) throws(OCIError) {
    guard !range.isEmpty else {
      throw error(range.lowerBound, "a part of the repository name is empty")
    }
    var index = range.lowerBound
    while index < range.upperBound {
      let character = characters[index]
      if character.isLowerAlphanumeric {
        index += 1
        continue
      }
      guard "._-".contains(character) else {
        let reason =
          character.isUppercase
          ? "repository names are lower case" + meant
          : "this character cannot be in a repository name"
        throw error(index, reason)
      }
      let end = characters[index..<range.upperBound].firstIndex { $0 != character }
      guard index > range.lowerBound, let end else {
        throw error(
          index, "a part of a repository name begins and ends with a lower-case letter or digit")
      }
      let longest = character == "-" ? range.count : character == "_" ? 2 : 1
      guard end - index <= longest, characters[end].isLowerAlphanumeric else {
        throw error(
          min(index + longest, end),
          "separators in a repository name are one \".\", one or two \"_\", or dashes")
      }
      index = end
    }
  }

  private func parseTag(_ range: Range<Int>) throws(OCIError) -> String {
    guard !range.isEmpty else { throw error(range.lowerBound, "the tag after \":\" is missing") }
    for index in range {
      let character = characters[index]
      let isWord = character.isASCIILetter || character.isASCIIDigit || character == "_"
      guard isWord || (index > range.lowerBound && (character == "." || character == "-")) else {
        throw error(
          index,
          character == "+"
            ? "a tag cannot have \"+\", registries have \"_\" in its place" + meant
            : "a tag has letters, digits, \"_\", \".\" and \"-\", the last two not first")
      }
    }
    guard range.count <= Self.tagLimit else {
      throw error(
        range.lowerBound + Self.tagLimit, "a tag has at most \(Self.tagLimit) characters")
    }
    return String(characters[range])
  }

  private func parseDigest(from start: Int) throws(OCIError) -> Digest {
    do {
      return try Digest(String(characters[start...]))
    } catch .invalidDigest(let digest, let reason) {
      let colon = digest.firstIndex(of: ":").map {
        digest.distance(from: digest.startIndex, to: $0)
      }
      let bad = colon.flatMap { colon in
        Array(digest)[(colon + 1)...].firstIndex { !$0.isLowerHex }
      }
      throw error(start + (bad ?? 0), "the digest is not one: \(reason)")
    }
  }

  private static let schemes = ["https://", "http://", "docker://", "oci://"]

  /// What was most likely meant, where it is one but for a scheme, capitals, or the "+" of a version.
  private var meant: String {
    let bare = text.range(ofScheme: Self.schemes).map { String(text.dropFirst($0.count)) } ?? text
    let name = bare.prefix { $0 != "@" }
    let path = name.lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex
    let tag = name[path...].firstIndex(of: ":") ?? name.endIndex
    let likely =
      name[..<tag].lowercased() + name[tag...].replacing("+", with: "_") + bare[name.endIndex...]
    // It has none of these itself, and asks no further.
    guard likely != text, (try? Reference(likely)) != nil else { return "" }
    return ": \(likely)"
  }

  private func error(_ offset: Int, _ reason: String) -> OCIError {
    .invalidReference(text, offset: offset, reason: reason)
  }
}

extension String {
  fileprivate func range(ofScheme schemes: [String]) -> String? {
    schemes.first { hasPrefix($0) }
  }
}

extension Character {
  fileprivate var isASCIILetter: Bool { isASCII && isLetter }
  // Ranges of characters compare by Unicode's order, where "b" with an accent lies between "a" and "z".
  fileprivate var isASCIIDigit: Bool { isASCII && ("0"..."9").contains(self) }
  fileprivate var isLowerHex: Bool { isASCIIDigit || (isASCII && ("a"..."f").contains(self)) }
  fileprivate var isLowerAlphanumeric: Bool {
    isASCIIDigit || (isASCII && ("a"..."z").contains(self))
  }
}
