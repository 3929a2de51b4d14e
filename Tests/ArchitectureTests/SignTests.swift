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
    "ListenPlace.swift", "Credential.swift", "Secrets.swift",
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
