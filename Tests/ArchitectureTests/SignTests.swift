import Foundation
import Testing

/// Finds decisions by characters where signs are the system's, or those of who reads markup.
///
/// To Swift a slash with a mark behind it is none; to the kernel it is. `Text` has what looks at scalars
/// instead. Most other rooms read bytes, or what is ASCII by then.
@Suite("The door for signs")
struct SignTests {
  static let rooms: Set<String> = ["Disk", "Store", "History", "Plot", "Text"]
  /// Files of other rooms that name files, write markup, or part names from passwords.
  static let files: Set<String> = [
    "ReportPage.swift", "ProcessList.swift", "GivenText.swift", "ProcessStart.swift",
    "ListenPlace.swift", "Credential.swift", "Secrets.swift", "ConfigPlaces.swift",
    "ConfigPlaces+Registries.swift", "CertificateFolder.swift", "UpstreamClients.swift",
  ]
  static let calls = [
    ".split(separator: \"", ".firstIndex(of: \"", ".lastIndex(of: \"", ".contains(\"", ".hasPrefix",
    ".hasSuffix", ".replacing(", ".replacingOccurrences(", ".firstRange(of: \"", ".ranges(of: \"",
    ".components(separatedBy", ".trimmingPrefix(\"", ".isNewline", ".isWhitespace",
  ]

  /// What a file's text has that decides by characters.
  static func offences(in text: String) -> [String] {
    let code = text.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.trimmingPrefix(while: \.isWhitespace).hasPrefix("//") }.joined(separator: "\n")
    return calls.filter { call in
      code.ranges(of: call).contains { range in
        let before = code[..<range.lowerBound]
        return ![".unicodeScalars", ".utf8", ".properties"].contains(where: before.hasSuffix)
      }
    }
  }

  @Test("what decides where names end, or writes markup, looks at scalars")
  func everythingUsesTheDoor() throws {
    var seen = 0
    for file in try ImportTests.files() {
      guard Self.rooms.contains(file.room) || Self.files.contains(file.name) else { continue }
      seen += 1
      let found = Self.offences(in: file.text)
      #expect(found.isEmpty, "\(file.room)/\(file.name): \(found)")
    }
    #expect(seen > 60)
  }

  // MARK: Keys

  /// Rooms where what is looked up comes from outside.
  static let keyedRooms: Set<String> = [
    "Disk", "History", "Registry", "Serve", "Store", "Transfer",
  ]
  static let keyed = ["Set<String>", "[String: ", "[Substring: ", "Set<Substring>"]

  /// Why a file may look texts up as Swift compares them: no two that are the same to Swift come together
  /// there, or nothing hangs on it.
  ///
  /// Of what has several names to Swift, ASCII has three: K is the sign of kelvin, too, `;` the Greek question
  /// mark, and the grave accent a sign of its own. So what is checked to be ASCII has one name.
  static let reasons = [
    "its own words, and a stranger of another spelling means nothing else": [
      "PageRule.swift", "ErrorCode.swift", "GoDuration.swift", "RegistriesFile.swift",
      "RegistryTable.swift", "HostSettings.swift", "PublicName.swift", "RetryAfter.swift",
    ],
    "the environment, asked for names of ASCII": [
      "UserFolders.swift", "CredentialFile.swift", "ConfigPlaces.swift", "EndpointFinder.swift",
      "TransferSettings.swift", "TrustSettings.swift", "ProxyRule.swift",
    ],
    "registries, hosts, tags and digests, which are ASCII by then": [
      "EndpointLedger.swift", "Authorizer.swift", "SharedLogins.swift", "BlobSource.swift",
      "Testimony.swift", "HostGuard.swift", "Bringers.swift", "ServedRegistries.swift",
      "DownloadFigures.swift", "FrontServer.swift", "FrontSettings.swift", "Silences.swift",
      "TransferEngine.swift", "SiteHistory.swift",
    ],
    "numbers and device numbers that it makes itself are in the key": [
      "HelperProcesses.swift", "InputFile.swift", "Temporary.swift",
    ],
    "the members of one server's answer, or of the user's own file, asked for by names of ASCII": [
      "Challenge.swift", "LooseJSON.swift", "AuthFile.swift", "CredentialChain.swift",
      "RegistriesConfig.swift",
    ],
    "annotations: compared exactly where an entry's identity hangs on it": [
      "LayoutIndex+Notes.swift", "LayoutIndex+Bounds.swift",
    ],
  ]

  @Test("what is looked up by its name is looked up exactly, or there is a reason not to")
  func keys() throws {
    let excused = Set(Self.reasons.values.joined())
    var used: Set<String> = []
    for file in try ImportTests.files() where Self.keyedRooms.contains(file.room) {
      let code = file.text.split(separator: "\n").filter {
        !$0.trimmingPrefix(while: \.isWhitespace).hasPrefix("//")
      }
      guard code.contains(where: { line in Self.keyed.contains { line.contains($0) } }) else {
        continue
      }
      used.insert(file.name)
      #expect(excused.contains(file.name), "\(file.room)/\(file.name)")
    }
    #expect(excused.subtracting(used).isEmpty, "reasons that nobody needs any more")
  }

  @Test(
    "the search finds what is planted, and nothing else",
    arguments: [
      ("path.split(separator: \"/\")", 1), ("path.hasPrefix(\"/\")", 1),
      ("x.firstIndex(of: \":\")", 1),
      ("ends.contains(where: name.hasSuffix)", 1), ("a.replacing(\"<\", with: \"\")", 1),
      ("path.unicodeScalars.split(separator: \"/\")", 0), ("path.begins(with: \"/\")", 0),
      ("text.utf8.firstIndex(of: \"a\")", 0), ("scalar.properties.isWhitespace", 0),
      ("// path.hasPrefix(\"/\")", 0), ("names.contains(name)", 0),
    ])
  func finds(text: String, count: Int) { #expect(Self.offences(in: text).count == count) }
}
