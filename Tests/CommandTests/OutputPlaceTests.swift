import Disk
import Foundation
import Support
import Testing

/// Where outputs cannot be written, and what earlier ones left there: said before the download.
@Suite("Places of outputs", .enabled(if: Command.hasServers), .timeLimit(.minutes(10)), .serialized)
struct OutputPlaceTests {
  let cairn: Command
  static let isRoot = geteuid() == 0

  init() throws { cairn = try Command() }

  func shell(_ line: String, _ shell: [String] = []) async throws -> Command.Outcome {
    let process = cairn.process([])
    process.executableURL = URL(filePath: "/usr/bin/env")
    let cairn = "cairn() { \(Command.path) \"$@\"; }"
    process.arguments = shell + ["bash", "-c", "\(cairn); \(line)"]
    process.environment?["D"] = self.cairn.folder.path
    process.environment?["I"] = "\(Command.server("REGISTRY") ?? "")/demo"
    return try await Command.finish(process)
  }

  @Test(
    "a folder where something is mounted is not replaced, and that is said at once",
    .enabled(if: isRoot),
    arguments: [
      "mount -t tmpfs none $D/out", "mount --bind $D/other $D/out",
      "mount -t tmpfs none $D/out; printf 'Directory Transport Version: 1.1\\n' >$D/out/version",
    ])
  func mounts(made: String) async throws {
    // Nobody is at this port.
    let outcome = try await shell(
      "mkdir $D/out $D/other; \(made); cairn pull 127.0.0.1:1/x --plain-http --retries 0 "
        + "--overwrite --output dir:$D/out", ["unshare", "-m"])
    #expect(outcome.status == 73 && outcome.errors.contains("mounted there"), "\(outcome.errors)")
  }

  @Test(
    "of a store that cannot be written what is named by digest is written to outputs",
    .enabled(if: isRoot))
  func readOnlyStore() async throws {
    let outcome = try await shell(
      "set -e; N=$(cairn pull $I -q --store $D/ro); find $D/ro | sort > $D/before; "
        + "mount --bind $D/ro $D/ro; mount -o remount,bind,ro $D/ro; "
        + "cairn pull $I@$N -q --store $D/ro --output docker-archive:$D/x.tar; tar -tf $D/x.tar; "
        + "find $D/ro | sort | cmp - $D/before; "
        + "cairn pull $I -q --store $D/ro --output docker-archive:$D/y.tar || echo status $?",
      ["unshare", "-m"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("manifest.json\n"), "\(outcome.output)")
    // A tag may mean something else by now, which would have to be written.
    #expect(outcome.output.hasSuffix("status 73\n") && outcome.errors.contains("hint: of a store"))
  }

  @Test("an oci: output may be where something is mounted", .enabled(if: isRoot))
  func mountedLayout() async throws {
    let outcome = try await shell(
      "set -e; mkdir $D/out; mount -t tmpfs none $D/out; cairn pull $I -q --output oci:$D/out:a; "
        + "cairn pull $I -q --output dir:$D/out/b; ls $D/out", ["unshare", "-m"])
    #expect(outcome.status == 0 && outcome.output.contains("index.json"), "\(outcome.errors)")
  }

  static let stranger = [
    "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "HOME=/nonexistent",
  ]

  @Test(
    "what this user may not write is said at once",
    .enabled(if: isRoot),
    arguments: [
      ("chmod 555 $D/o", "dir:$D/o/new"), ("chmod 555 $D/o", "oci:$D/o/new"),
      ("chmod 555 $D/o", "dir:$D/o/a/b/new"), ("chmod 555 $D/o", "oci-archive:$D/o/new"),
      ("mkdir $D/o/l; chmod 555 $D/o/l", "oci:$D/o/l"),
      ("touch $D/o/f; chmod 400 $D/o/f; chmod 555 $D/o", "oci-archive:$D/o/f"),
      (
        "touch $D/o/f; chmod 400 $D/o/f; chmod 1777 $D/o; chown 1 $D/o $D/o/f", "oci-archive:$D/o/f"
      ),
      ("mkdir $D/o/d; chmod 1777 $D/o; chown 1 $D/o $D/o/d", "dir:$D/o/d"),
      (
        "mkdir $D/o/d; printf 'Directory Transport Version: 1.1\\n' >$D/o/d/version; chmod 555 $D/o/d",
        "dir:$D/o/d"
      ),
    ])
  func permissions(made: String, output: String) async throws {
    let prepared = try await shell(
      "set -e; chmod 755 $D; mkdir -m 777 $D/o $D/s; \(made); chown -h 65534 $D/o; "
        + "test ! -e $D/o/d/version || chown -R 65534 $D/o/d; "
        + "test $(stat -c %a $D/o) != 1777 || chown 1 $D/o")
    #expect(prepared.status == 0, "\(prepared.errors)")
    let outcome = try await shell(
      "cairn pull 127.0.0.1:1/x --plain-http --retries 0 --store $D/s/t --overwrite --output \(output)",
      Self.stranger)
    #expect(outcome.status == 73, "\(outcome.status) \(outcome.errors)")
    #expect(outcome.errors.contains("permission denied"), "\(outcome.errors)")
    // The store is not the matter.
    #expect(!outcome.errors.contains("hint:"), "\(outcome.errors)")
  }

  @Test("where no store can be made another place for it is named", .enabled(if: isRoot))
  func noPlaceForStore() async throws {
    let outcome = try await shell(
      "cairn pull 127.0.0.1:1/x --plain-http --retries 0",
      Self.stranger + ["env", "-u", "XDG_DATA_HOME", "-u", "CAIRN_STORE"])
    #expect(outcome.status == 73, "\(outcome.status) \(outcome.errors)")
    #expect(
      outcome.errors.contains("hint: name a directory that can be written with --store DIR"),
      "\(outcome.errors)")
  }

  @Test("a home that this user may not look into keeps nobody from asking", .enabled(if: isRoot))
  func closedHome() async throws {
    let prepared = try await shell("chmod 755 $D; mkdir -m 700 $D/h")
    #expect(prepared.status == 0, "\(prepared.errors)")
    let outcome = try await shell(
      "HOME=$D/h cairn inspect --explain-endpoints r.example/a", Self.stranger)
    #expect(outcome.status == 0 && outcome.output.contains("https://r.example/v2/a"))
    #expect(outcome.errors.contains("is passed over: "), "\(outcome.errors)")
  }

  @Test("a file with the mode 0400 is replaced, and keeps its mode")
  func readOnlyFile() async throws {
    let outcome = try await shell(
      "set -e; touch $D/f; chmod 400 $D/f; "
        + "cairn pull $I -q --overwrite --output oci-archive:$D/f >&2; stat -c %a $D/f; tar -tf $D/f"
    )
    #expect(outcome.status == 0 && outcome.output.hasPrefix("400\n"), "\(outcome.errors)")
  }
}
