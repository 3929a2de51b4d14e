/// The operating system and processor that an image is for.
package struct Platform: Hashable, Sendable, Codable, CustomStringConvertible {
  /// GOOS, for example `linux`.
  package var os: String
  /// GOARCH, for example `amd64`.
  package var architecture: String
  /// The processor's variant, for example `v8`.
  package var variant: String?
  /// The operating system's version; Windows images are told apart by it.
  package var osVersion: String?
  /// What of the operating system an image needs, for example `win32k`.
  package var osFeatures: [String]?

  enum CodingKeys: String, CodingKey {
    case os, architecture, variant
    case osVersion = "os.version"
    case osFeatures = "os.features"
  }

  /// Decodes a platform.
  ///
  /// - Throws: `DecodingError` where no operating system or no architecture is named.
  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    os = try values.decode(String.self, forKey: .os)
    architecture = try values.decode(String.self, forKey: .architecture)
    for (key, value) in [(CodingKeys.os, os), (.architecture, architecture)] where value.isEmpty {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: values, debugDescription: "it is empty")
    }
    variant = values.readable(String.self, .variant)
    osVersion = values.readable(String.self, .osVersion)
    osFeatures = values.readableStrings(.osFeatures)
  }

  /// Makes a platform from its parts, which are normalised as containerd does.
  ///
  /// - Parameters:
  ///   - os: GOOS.
  ///   - architecture: GOARCH or a common other name of it, such as `x86_64`.
  ///   - variant: the processor's variant.
  package init(os: String, architecture: String, variant: String? = nil) {
    // Written as nothing, it means the usual one.
    let named = variant.flatMap { $0.isEmpty ? nil : $0.lowercased() }
    let (architecture, variant) = Self.normalise(architecture.lowercased(), named)
    self.os = os.lowercased() == "macos" ? "darwin" : os.lowercased()
    self.architecture = architecture
    self.variant = variant
  }

  /// Whether it says of itself that it is not known.
  package var isUnknown: Bool { os == "unknown" || architecture == "unknown" }

  /// Architectures that may stand alone.
  ///
  /// Source: containerd's platforms, `isKnownArch`.
  private static let architectures: Set<String> = [
    "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc",
    "ppc64", "ppc64le", "riscv", "riscv64", "s390", "s390x", "sparc", "sparc64", "wasm",
  ]

  /// Parses `os[(version)]/arch[/variant]`, or an architecture alone, which is one of Linux then.
  ///
  /// Source: containerd's platforms, `Parse`.
  ///
  /// - Parameter text: for example `linux/arm64`, `linux/arm/v7`, `windows(10.0.17763)/amd64` or `arm64`.
  /// - Throws: `OCIError.invalidPlatform`.
  package init(_ text: String) throws(OCIError) {
    var parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    var version: String?
    if let os = parts.first, os.last == ")", let bracket = os.firstIndex(of: "("), parts.count > 1 {
      version = String(os[os.index(after: bracket)...].dropLast())
      parts[0] = String(os[..<bracket])
    }
    let allowed = (parts + (version.map { [$0] } ?? [])).allSatisfy { part in
      !part.isEmpty && part.utf8.count <= 64
        && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
    }
    guard allowed else { throw .invalidPlatform(text) }
    if parts.count == 1 {
      self.init(os: "linux", architecture: parts[0])
      guard Self.architectures.contains(architecture) else { throw .invalidPlatform(text) }
      return
    }
    guard (2...3).contains(parts.count) else { throw .invalidPlatform(text) }
    self.init(os: parts[0], architecture: parts[1], variant: parts.count == 3 ? parts[2] : nil)
    osVersion = version
  }

  /// The platform of the machine this was compiled for, running Linux containers.
  package static var host: Platform {
    #if arch(x86_64)
      Platform(os: "linux", architecture: "amd64")
    #elseif arch(arm64)
      Platform(os: "linux", architecture: "arm64")
    #elseif arch(arm)
      Platform(os: "linux", architecture: "arm", variant: "v7")
    #elseif arch(i386)
      Platform(os: "linux", architecture: "386")
    #elseif arch(powerpc64le)
      Platform(os: "linux", architecture: "ppc64le")
    #elseif arch(s390x)
      Platform(os: "linux", architecture: "s390x")
    #else
      Platform(os: "linux", architecture: "riscv64")
    #endif
  }

  /// Other platforms whose images this machine's processor runs, best first.
  ///
  /// Source: containerd's platform vectors; 64-bit processors run what was made for the 32-bit ones
  /// before them.
  ///
  /// - Parameter level: the microarchitecture level of an x86-64 processor, from 1 to 4.
  package func substitutes(level: Int) -> [Platform] {
    switch (architecture, variant) {
    case ("amd64", nil):
      (level > 1 ? [Platform(os: os, architecture: "amd64", variant: "v\(min(level, 4))")] : [])
        + [Platform(os: os, architecture: "386")]
    case ("arm64", nil): [Platform(os: os, architecture: "arm", variant: "v8")]
    default: []
    }
  }

  /// How well an image for `candidate` runs where `self` is wanted; nil: not at all, larger is better.
  ///
  /// Processors run images for the same or an older variant of theirs, and the newest of those is
  /// best. A missing variant is the usual one: v7 of arm, v8 of arm64, v1 of amd64.
  ///
  /// A version that is wanted is had by what says it, or more of it; who says none comes behind.
  ///
  /// - Parameter candidate: a platform from an index.
  package func preference(for candidate: Platform) -> Int? {
    guard let preference = preference(forKindOf: candidate) else { return nil }
    guard let wanted = osVersion else { return preference }
    guard let offered = candidate.osVersion else { return min(preference, Self.unversioned) }
    return offered == wanted || offered.hasPrefix(wanted + ".") ? preference : nil
  }

  private func preference(forKindOf candidate: Platform) -> Int? {
    let other = Platform(
      os: candidate.os, architecture: candidate.architecture, variant: candidate.variant)
    guard os == other.os, architecture == other.architecture else { return nil }
    if variant == other.variant { return Self.exactly }
    guard let wanted = level, let offered = other.level else {
      return variant == nil || other.variant == nil ? 10 : nil
    }
    return offered <= wanted ? 50 + offered : nil
  }

  /// Whether an image for `candidate` needs features of the operating system that `self` is not said to have.
  package func lacks(featuresOf candidate: Platform) -> Bool {
    !Set(candidate.osFeatures ?? []).isSubset(of: osFeatures ?? [])
  }

  /// The preference for the very same platform; none is larger.
  package static let exactly = 100
  private static let highestLevel = 40
  private static let unversioned = 1

  /// The variant as a number, for architectures whose variants build on each other.
  private var level: Int? {
    let usual = ["arm": 7, "arm64": 8, "amd64": 1]
    guard let usual = usual[architecture] else { return nil }
    guard let variant else { return usual }
    guard variant.hasPrefix("v") else { return nil }
    // Whatever number others write there: the levels are few.
    return Int(variant.dropFirst().prefix { $0.isNumber }).map { min($0, Self.highestLevel) }
  }

  private static func normalise(_ architecture: String, _ variant: String?) -> (String, String?) {
    switch architecture {
    case "x86_64", "x86-64": ("amd64", variant == "v1" ? nil : variant)
    case "amd64": ("amd64", variant == "v1" ? nil : variant)
    case "aarch64", "arm64": ("arm64", variant == "8" || variant == "v8" ? nil : variant)
    case "i386", "i486", "i586", "i686": ("386", variant)
    case "armhf": ("arm", "v7")
    case "armel": ("arm", "v6")
    case "arm": ("arm", variant.map { ["5", "6", "7", "8"].contains($0) ? "v" + $0 : $0 })
    default: (architecture, variant)
    }
  }

  /// `os[(version)]/arch[/variant]`, safe for a terminal.
  package var description: String {
    let version = osVersion.map { "(\($0))" } ?? ""
    let text = "\(os)\(version)/\(architecture)" + (variant.map { "/\($0)" } ?? "")
    return text.shownSafely(limit: 200)
  }
}
