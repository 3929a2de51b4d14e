import Foundation
import Support
import Testing

@testable import cairn

/// What a process is started with, and in what surroundings.
@Suite("How cairn is started", .timeLimit(.minutes(3)))
struct StartTests {
  static let canHideProc: Bool = {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", "unshare -m mount --bind / /proc"]
    process.standardError = FileHandle.nullDevice
    try? process.run()
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  /// Runs a line of sh, in which `$C` is the program, and `$D` the test's folder.
  private func shell(_ cairn: Command, _ line: String) async throws -> Command.Outcome {
    let process = cairn.process([])
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", line]
    process.environment?["C"] = Command.path
    process.environment?["D"] = cairn.folder.path
    return try await Command.finish(process)
  }

  @Test(
    "without /proc nothing is begun, since what looks after threads needs it, and that is said",
    .enabled(if: canHideProc),
    arguments: ["--version", "--help", "store list --store $D/none", "pull", "pull x/y"])
  func withoutProc(command: String) async throws {
    let cairn = try Command()
    let outcome = try await shell(
      cairn, "exec unshare -m sh -c 'mount --bind \"$D\" /proc && exec $C \(command)'")
    #expect(outcome.status == 70 && outcome.output.isEmpty, "\(outcome)")
    #expect(outcome.errors.contains("/proc is not here"), "\(outcome.errors)")
  }

  @Test("a helper's end is seen, though whoever started cairn looks at nobody's")
  func ignoredChildren() async throws {
    let wanted = "Basic " + Data("u:p".utf8).base64EncodedString()
    let image = try FakeImage(layers: [Content.bytes(1_000, seed: 1)])
    let server = try RawServer { request in
      guard request["authorization"] == wanted else {
        return .status(401, [("WWW-Authenticate", "Basic realm=\"x\"")])
      }
      return FakeRegistry.answer(request, image)
    }
    let cairn = try Command()
    let outcome = try await shell(
      cairn,
      """
      printf '#!/bin/sh\\ncat >/dev/null\\necho "{\\\\"Username\\\\":\\\\"u\\\\",\\\\"Secret\\\\":\\\\"p\\\\"}"\\n' \
        > $D/docker-credential-t
      chmod 755 $D/docker-credential-t; echo '{"credsStore":"t"}' > $D/auth.json
      PATH=$D:$PATH exec env --ignore-signal=CHLD $C pull \(server.host)/o/n --plain-http --authfile $D/auth.json
      """)
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  @Test(
    "what is no UTF-8 is refused, and nothing is made by another name",
    arguments: [
      (#"$C pull x --metrics "$(printf 'm\377')""#, "--metrics has bytes"),
      (#"$C pull x "--output=$(printf 'dir:m\377')""#, "--output has bytes"),
      (#"$C store list --store "$(printf 's\376')""#, "--store has bytes"),
      (#"$C pull "$(printf 'x\377')""#, "argument 2 has bytes"),
      (#"CAIRN_STORE="$(printf 's\377')" $C store list"#, "the variable CAIRN_STORE has bytes"),
      (#"HOME="$(printf '/h\377')" $C store list"#, "the variable HOME has bytes"),
    ])
  func oddBytes(line: String, words: String) async throws {
    let cairn = try Command()
    let outcome = try await shell(cairn, "cd $D; \(line)")
    #expect(outcome.status == 64 && outcome.errors.contains(words), "\(outcome.errors)")
    let left = try FileManager.default.contentsOfDirectory(atPath: cairn.folder.path)
    #expect(left.isEmpty, "\(left)")
  }

  @Test("what nobody looks at may be any bytes, and no value is shown")
  func givenText() throws {
    let odd: [UInt8] = Array("LS_COLORS=a".utf8) + [0xFF]
    #expect(throws: Never.self) { try GivenText.check(variables: [odd, Array("HOME=/ü".utf8)]) }
    #expect(throws: CommandFailure.self) {
      try GivenText.check(variables: [Array("https_proxy=x".utf8) + [0xFF]])
    }
    #expect(try GivenText.arguments([Array("é".utf8), []]) == ["é", ""])
    #expect { try GivenText.arguments(nil) } throws: {
      ($0 as? CommandFailure)?.exitCode == 70
    }
    for given in [["--creds", "u:hunter2"], ["--creds=u:hunter2"]] {
      let bytes =
        given.dropLast().map { Array($0.utf8) } + [Array(given[given.count - 1].utf8) + [0xFF]]
      #expect { try GivenText.arguments(bytes) } throws: {
        ($0 as? CommandFailure)?.message == "--creds has bytes that are no UTF-8"
      }
    }
  }
}
