import Foundation
import Testing

/// Reads the sources and fails on what no compiler forbids.
@Suite("Architecture")
struct ImportTests {
  /// Libraries of others, and the only rooms that may import them. What rooms import of each other
  /// is in Package.swift, and SwiftPM holds them to it (tools/test).
  static let libraries: [String: Set<String>] = [
    "ArgumentParser": ["cairn", "link-emulator"],
    "Logging": ["cairn"],
    "Subprocess": ["Registry"],
    "NIOCore": ["Serve"],
    "NIOPosix": ["Serve"],
    "NIOHTTP1": ["Serve"],
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

  @Test("libraries of others stay in the rooms that are theirs")
  func keepsLibraries() throws {
    let imports = try Self.imports()
    #expect(imports.count > 50)
    for one in imports {
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

  @Test("only what CairnKit promises to others is public")
  func publicIsAPromise() throws {
    var promised = 0
    for file in try Self.files() {
      // A type of CairnKit that conforms to another library's protocol does so in public.
      if file.text.contains("public import CairnKit") { continue }
      let count = file.text.matches(of: /(^|\n) *(@\w+ )*(public|open) (?!import|=)/).count
      if file.room == "CairnKit" {
        promised += count
      } else {
        #expect(count == 0, "\(file.room)/\(file.name) has \(count) public declarations")
      }
    }
    #expect(promised > 50)
  }

  @Test("pure rooms have no effects to import")
  func pureRoomsArePure() throws {
    let imports = try Self.imports()
    let rooms = Set(imports.map(\.room))
    for one in imports where Self.pure.contains(one.room) {
      let isOurs = rooms.contains(one.module)
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
      #expect(
        !file.text.contains("JSONDecoder(") || file.name == "StableJSON.swift",
        "\(file.name): JSONDecoder")
      #expect(
        !file.text.contains("StableJSON.decode(") || file.name == "DeclaredCommand.swift",
        "\(file.name): that is for what the program has just written")
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
