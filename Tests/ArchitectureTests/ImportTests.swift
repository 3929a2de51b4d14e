import Foundation
import Testing

/// Reads the imports of every target and fails on an arrow that the design forbids.
@Suite("Architecture")
struct ImportTests {
  /// What each room may import of ours.
  static let allowed: [String: Set<String>] = [
    "Text": [],
    "OCI": ["Text"],
    "Tuning": [],
    "Scheduling": ["Tuning"],
    "Rivals": ["Tuning"],
    "Simulation": ["Text", "Tuning", "Rivals", "Scheduling"],
    "Emulation": ["Simulation", "Tuning"],
    "link-emulator": ["Emulation", "Simulation"],
    "Disk": ["Text"],
    "Threads": [],
    "Transfer": ["CZlib", "Disk"],
    "CurlTransfer": ["Text", "Transfer", "Threads", "CCurl"],
    "Hashing": ["OCI", "CCrypto"],
    "TOML": ["Text"],
    "Registry": ["OCI", "Hashing", "Text", "Transfer", "Disk", "TOML"],
    "Store": ["OCI", "Hashing", "Text", "Disk", "Threads"],
    "Plot": [],
    "Metrics": [],
    "Progress": ["OCI"],
    "SQLite": ["CSQLite"],
    "History": ["Text", "Tuning", "SQLite"],
    "Downloads": ["OCI", "Tuning", "Scheduling", "Transfer", "Registry", "Store"],
    "Pull": [
      "OCI", "Tuning", "Scheduling", "Transfer", "Registry", "Store", "Progress", "Disk",
      "Downloads",
    ],
    "Serve": [
      "OCI", "Hashing", "Text", "Disk", "Threads", "Transfer", "Registry", "Store", "Downloads",
      "Metrics", "CSSL",
    ],
    "CairnKit": [
      "OCI", "Tuning", "Scheduling", "Transfer", "CurlTransfer", "Registry", "Store", "Progress",
      "History", "Downloads", "Pull", "Disk",
    ],
    "cairn": [
      "OCI", "Tuning", "Rivals", "Simulation", "Transfer", "CurlTransfer", "Registry", "Store",
      "Progress", "Plot", "History", "Downloads", "Pull", "CairnKit", "Serve", "Disk", "Threads",
      "TOML", "Metrics", "Text",
    ],
  ]

  /// Libraries of others, and the only rooms that may import them.
  static let libraries: [String: Set<String>] = [
    "ArgumentParser": ["cairn", "link-emulator"],
    "Logging": ["cairn"],
    "Subprocess": ["Registry"],
    "NIOCore": ["Serve"],
    "NIOPosix": ["Serve"],
    "NIOHTTP1": ["Serve"],
    "CCurl": ["CurlTransfer"],
    "CZlib": ["Transfer"],
    "CSQLite": ["SQLite"],
    "CCrypto": ["Hashing"],
    "CSSL": ["Serve"],
  ]

  /// Rooms that have no effects: no file, socket, clock, process or thread of their own.
  static let pure: Set<String> = [
    "Text", "OCI", "Tuning", "Scheduling", "Rivals", "Simulation", "Emulation", "Plot", "TOML",
    "Metrics",
  ]

  static let sources = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Sources")

  /// A file of the product.
  struct Source: Sendable {
    let room: String
    let name: String
    let text: String
  }

  /// Every Swift file below `Sources`.
  static func files() throws -> [Source] {
    let files = FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)
    var found: [Source] = []
    for case let file as URL in files ?? .init() where file.pathExtension == "swift" {
      var path = file.pathComponents.drop { $0 != "Sources" }.dropFirst()
      if path.first == "Lab" { path = path.dropFirst() }
      found.append(
        Source(
          room: path.first ?? "", name: file.lastPathComponent,
          text: try String(contentsOf: file, encoding: .utf8)))
    }
    return found
  }

  struct Import: Sendable {
    let room: String
    let module: String
    let file: String
  }

  static func imports() throws -> [Import] {
    var found: [Import] = []
    for file in try files() {
      for line in file.text.split(separator: "\n") {
        let words = line.split(separator: " ").filter {
          !["public", "internal", "package"].contains($0)
        }
        if words.count >= 2, words[0] == "import" {
          found.append(Import(room: file.room, module: String(words[1]), file: file.name))
        }
      }
    }
    return found
  }

  @Test("every room imports only what the design allows")
  func allowsArrows() throws {
    let imports = try Self.imports()
    #expect(imports.count > 50)
    for one in imports {
      guard let allowed = Self.allowed[one.room] else {
        Issue.record("room \(one.room) is not in the design")
        continue
      }
      if Self.allowed[one.module] != nil {
        #expect(allowed.contains(one.module), "\(one.room)/\(one.file) imports \(one.module)")
      }
      if let rooms = Self.libraries[one.module] {
        #expect(rooms.contains(one.room), "\(one.room)/\(one.file) imports \(one.module)")
      }
    }
  }

  @Test("no room brings Foundation along, whose ICU data would be most of the binary")
  func withoutFoundation() throws {
    for one in try Self.imports() {
      #expect(one.module != "Foundation", "\(one.room)/\(one.file) imports Foundation")
    }
  }

  @Test("pure rooms have no effects to import")
  func pureRoomsArePure() throws {
    for one in try Self.imports() where Self.pure.contains(one.room) {
      let isOurs = Self.allowed[one.module] != nil
      // FoundationEssentials brings Data and JSON; its files and processes are kept out by review.
      let isMathematics = one.module == "Glibc" && one.file == "Mathematics.swift"
      #expect(
        isOurs || isMathematics || one.module == "FoundationEssentials",
        "\(one.room)/\(one.file) imports \(one.module)")
    }
  }

  @Test("everything printed goes through the door")
  func oneDoorForWords() throws {
    var seen = 0
    // The emulator is a tool of the lab, and speaks JSON with a script.
    for file in try Self.files() where file.room != "link-emulator" {
      seen += 1
      // Paths of that name are files like others.
      let text = file.text.replacing("/dev/stdout", with: "").replacing("/dev/stderr", with: "")
      let name = file.name
      for word in [
        "FileHandle.standardOutput", "FileHandle.standardError", "fputs(", "fprintf(", "puts(",
        "Swift.print(", "debugPrint(", "dump(", "StreamLogHandler", "stdout", "stderr", "vprintf(",
        "perror(", "putchar(", "readPassphrase(",
      ] {
        #expect(!text.contains(word), "\(name): \(word)")
      }
      // The commands' own `print` is the door's; elsewhere it would be the library's.
      let isCommand = file.room == "cairn"
      #expect(isCommand || text.firstMatch(of: /(^|[^A-Za-z.])print\(/) == nil, "\(name): print")
      let drawers = [
        "LineOutput.swift", "Displays.swift", "SweepRunner.swift", "SimulationProgress.swift",
      ]
      if !drawers.contains(name) {
        for word in [".draw(", ".replaceLine(", "\\u{1B}"] {
          #expect(!text.contains(word), "\(name): \(word)")
        }
      }
    }
    #expect(seen > 40)
  }

  @Test("text of others enters by a door: nothing else decodes JSON")
  func oneDoorForText() throws {
    for file in try Self.files() where file.name != "OutsideJSON.swift" {
      #expect(!file.text.contains("JSONDecoder("), "\(file.name): JSONDecoder")
      #expect(!file.text.contains("JSONSerialization"), "\(file.name): JSONSerialization")
    }
  }

  @Test("unchecked sendability is CurlTransfer's alone")
  func uncheckedOnlyInCurl() throws {
    let files = try Self.files()
    for file in files where file.room != "CurlTransfer" {
      for word in ["@unchecked Sendable", "nonisolated(unsafe)", "try!", "fatalError("] {
        #expect(!file.text.contains(word), "\(file.name): \(word)")
      }
    }
    #expect(files.count > 40)
  }
}
