import Disk
import Foundation
import Support
import Testing

/// Files that users name, which are no files: devices, pipes, descriptors, links.
@Suite("Named files", .enabled(if: Command.hasServers), .timeLimit(.minutes(10)), .serialized)
struct NamedFileTests {
  let cairn: Command
  let image: String

  init() throws {
    cairn = try Command()
    image = "\(try #require(Command.server("REGISTRY")))/demo"
  }

  /// Runs a line of bash, in which `cairn` is the program and `$D` the test's folder.
  func shell(_ line: String) async throws -> Command.Outcome {
    let process = cairn.process([])
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["-c", "cairn() { \(Command.path) \"$@\"; }; \(line)"]
    process.environment?["D"] = cairn.folder.path
    process.environment?["I"] = image
    return try await Command.finish(process)
  }

  @Test(
    "no two files of a command are one, and none is in the store",
    arguments: [
      "--output docker-archive:$D/o --metrics $D/o", "--trace $D/x --metrics $D/./x",
      "--metrics $D/h.sqlite", "--trace $D/h.sqlite-journal", "--metrics $D/h.sqlite-wal",
      "--output oci-archive:$D/o --output docker-archive:$D/o --overwrite",
      "--trace $D/.local/share/cairn/store/index.json",
      "--metrics $D/.local/share/cairn/store/blobs/new",
    ])
  func oneFile(options: String) async throws {
    let history = "--history $D/h.sqlite"
    let first = try await shell(
      "cairn pull $I -q \(history); cairn pull $I -q \(history) \(options)")
    #expect(first.status == 64, "\(first.errors)")
    let left = try await shell(
      "ls $D; cairn tune --report \(history) >&2 && cairn store verify >&2")
    #expect(left.status == 0 && left.output == "h.sqlite\n", "\(left.output) \(left.errors)")
  }

  @Test(
    "nothing that is learned is written over",
    arguments: [
      "--export $D/h.sqlite", "--export $D/./h.sqlite-wal", "--report --plot $D/h.sqlite",
      "--export $D/l",
    ])
  func keepsWhatIsLearned(options: String) async throws {
    let outcome = try await shell(
      """
      cairn pull $I -q --history $D/h.sqlite; ln -s h.sqlite $D/l
      cairn tune --history $D/h.sqlite \(options); test $? = 64 \
        && cairn tune --history $D/h.sqlite --report
      """)
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  @Test(
    "what an archive is written to stays what it was, and gets the whole archive",
    arguments: [
      "cairn pull $I -q --output docker-archive:/dev/stdout | tar -t",
      "cairn pull $I -q --output docker-archive:/dev/fd/1 | tar -t",
      "cairn pull $I -q --output docker-archive:- | tar -t",
      "mkfifo $D/p; tar -tf $D/p & cairn pull $I -q --output docker-archive:$D/p --overwrite >&2; wait; test -p $D/p",
      "ln -s /dev/stdout $D/l; cairn pull $I -q --output docker-archive:$D/l 2>/dev/null | tar -t; test -L $D/l",
      "cairn pull $I -q --output docker-archive:>(tar -t) >&2; wait",
      "cairn pull $I -q --output docker-archive:/dev/fd/7 7>$D/a >&2; tar -tf $D/a",
      "touch $D/t; ln -s t $D/l; cairn pull $I -q --output docker-archive:$D/l --overwrite >&2; test -L $D/l; tar -tf $D/t",
      "N=$(printf %255s | tr ' ' x); cairn pull $I -q --output docker-archive:$D/$N >&2; tar -tf $D/$N",
    ])
  func archives(line: String) async throws {
    let outcome = try await shell("set -e; " + line)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("manifest.json\n"), "\(outcome.output) \(outcome.errors)")
  }

  @Test("an archive whose reader left is no archive, and an error")
  func leftArchive() async throws {
    let outcome = try await shell(
      "set -o pipefail; cairn pull $I -q --output docker-archive:- | head -c 1 > /dev/null")
    #expect(
      outcome.status == 73 && outcome.errors.contains("standard output: Broken pipe"),
      "\(outcome.status) \(outcome.errors)")
  }

  @Test(
    "a device is written, and stays a device",
    arguments: [
      "pull $I -q --trace /dev/null", "pull $I -q --output oci-archive:/dev/null --overwrite",
      "pull $I -q --trace $D/null", "tune --export /dev/null", "tune --export $D/null",
    ])
  func devices(arguments: String) async throws {
    let outcome = try await shell("set -e; ln -s /dev/null $D/null; cairn \(arguments)")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(Files.info("/dev/null")?.kind == .characterDevice)
    #expect(Files.info(cairn.folder("null"))?.kind == .link)
  }

  @Test(
    "what cannot be written is refused before anything is asked of a registry",
    arguments: [
      ("oci-archive:$D", "is a directory"), ("oci-archive:$D/none/a", "No such file"),
      ("oci-archive:$D/\(String(repeating: "x", count: 256))", "name is too long"),
      ("dir:/dev/null", "it is a device"), ("oci:/dev/null", "no OCI image layout"),
      ("docker-archive:/dev/fd/77", "no file is open"),
    ])
  func refused(output: String, words: String) async throws {
    // Nobody is at this port.
    let outcome = try await shell(
      "cairn pull 127.0.0.1:1/x --plain-http --retries 0 --output \(output)")
    #expect(outcome.status == 73 && outcome.errors.contains(words), "\(outcome.errors)")
  }

  @Test(
    "what is written to a closed standard file, or to a file of our own, is refused at once",
    arguments: [
      ("pull $N --output docker-archive:- >&-", "standard output is closed"),
      ("pull $N --output oci-archive:/dev/stdout <&- >&-", "standard output is closed"),
      ("pull $N --output docker-archive:/proc/self/fd/1 >&-", "standard output is closed"),
      ("pull $N --trace - >&-", "standard output is closed"),
      ("pull $N --trace $D/link >&-", "standard output is closed"),
      ("pull $N --output docker-archive:/dev/fd/0 <&-", "standard input is closed"),
      ("tune --export - --history $D/h >&-", "standard output is closed"),
      ("--version >&-", "standard output is closed"),
      ("pull --help >&-", "standard output is closed"),
      ("pull $N --output docker-archive:/dev/fd/3 3>&-", "no file is open"),
      ("pull $N --output docker-archive:/dev/fd/4 4>&-", "no file is open"),
      ("pull $N --output docker-archive:/proc/thread-self/fd/5 5>&-", "no file is open"),
    ])
  func closed(arguments: String, words: String) async throws {
    let outcome = try await shell(
      "ln -s /dev/stdout $D/link; N='127.0.0.1:1/x --plain-http --retries 0'; cairn \(arguments)")
    #expect(outcome.status == 73 && outcome.errors.contains(words), "\(outcome)")
    #expect(outcome.output.isEmpty)
  }

  @Test("without standard error a command has the outcome that it would have with it")
  func silent() async throws {
    for (arguments, status) in [
      ("pull 127.0.0.1:1/x --trace /dev/stderr", 73), ("store list", 0), ("store none", 64),
    ] {
      let outcome = try await shell("cairn \(arguments) 2>&-")
      #expect(outcome.status == status, "\(arguments): \(outcome)")
    }
  }

  @Test(
    "a pull that waits for the reader of a pipe ends by a signal, at once and with nothing left",
    arguments: [("INT", 130), ("TERM", 143)])
  func signals(signal: String, status: Int32) async throws {
    let outcome = try await shell(
      """
      mkfifo $D/p; env --default-signal=INT \(Command.path) pull $I --progress plain --output docker-archive:$D/p 2>$D/err >/dev/null & P=$!
      until grep -q 'somebody to read' $D/err; do sleep 0.05; done
      kill -\(signal) $P; wait $P; S=$?; cat $D/err >&2; exit $S
      """)
    #expect(outcome.status == status, "\(outcome.errors)")
    #expect(!Files.list(cairn.folder.path).contains { $0.hasPrefix(".cairn-") })
  }

  @Test("a trace goes to a pipe, a descriptor or standard output, line by line")
  func traces() async throws {
    for line in [
      "cairn pull $I -q --trace - --store $D/a | head -1",
      "cairn pull $I -q --trace /dev/fd/5 --store $D/b 5>$D/t >&2; head -1 $D/t",
      "mkfifo $D/p; head -1 $D/p & cairn pull $I -q --trace $D/p --store $D/c >&2; wait",
    ] {
      let outcome = try await shell(line)
      #expect(outcome.output.hasPrefix("{"), "\(outcome.output) \(outcome.errors)")
    }
  }

  @Test(
    "- is a standard stream, and what goes there has it for itself",
    arguments: [
      // Every line is the trace's, whatever shows the progress.
      ("cairn pull $I --progress json --trace - 2>/dev/null", "event"),
      ("cairn pull $I -q --trace - 2>/dev/null", "sha256"),
      ("cairn pull $I --explain --trace - 2>/dev/null", "policy"),
      ("cairn tune --export -", "wrote"), ("cairn tune --export - 2>&1 >/dev/null", "{"),
    ])
  func streams(line: String, missing: String) async throws {
    let outcome = try await shell(line)
    #expect(outcome.status == 0 && !outcome.output.isEmpty, "\(outcome.errors)")
    #expect(!outcome.output.contains("\"\(missing)") && !outcome.output.hasPrefix(missing))
  }

  @Test("what was learned goes through pipes by -, and a drawing has standard output for itself")
  func learnedStreams() async throws {
    let outcome = try await shell(
      "cairn pull $I -q --workers 2 >/dev/null; cairn tune --export - "
        + "| cairn tune --import - --history $D/h >&2; cairn tune --report --plot -")
    #expect(outcome.errors.contains("took in one path"), "\(outcome.errors)")
    #expect(outcome.errors.contains("wrote one path to standard output"))
    #expect(outcome.output.isEmpty || outcome.output.hasPrefix("<svg"), "\(outcome.output)")
    #expect(outcome.errors.contains("from "))
    let nobody = try await shell("cairn tune --import - </dev/null")
    #expect(nobody.status == 65 && nobody.errors.contains("standard input"))
  }

  @Test("authorities from a pipe are read once, and all of them")
  func authorities() async throws {
    let outcome = try await shell(
      "cat /etc/ssl/certs/ca-certificates.crt | cairn pull $I -q --ca-only /dev/stdin --store $D/a; "
        + "cairn pull $I -q --ca-file <(cat /etc/ssl/certs/ca-certificates.crt) --store $D/b")
    #expect(
      outcome.status == 0 && outcome.output.split(separator: "\n").count == 2, "\(outcome.errors)")
  }

  @Test(
    "a hosts.toml that is no file costs a warning that names it, and no time",
    arguments: [
      ("mkfifo $D/h/$R/hosts.toml", "it is a pipe"),
      ("ln -s nowhere $D/h/$R/hosts.toml", "it is a link that leads nowhere"),
      ("mkdir $D/h/$R/hosts.toml", "it is a directory"),
      ("ln -s /dev/zero $D/h/$R/hosts.toml", "it is a device"),
      ("ln -s /dev/null $D/h/$R/hosts.toml", nil),
    ] as [(String, String?)])
  func hostsFile(made: String, words: String?) async throws {
    let outcome = try await shell(
      "R=${I%/demo}; mkdir -p $D/h/$R; \(made); cairn pull $I -q --hosts-dir $D/h")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(
      words.map { outcome.errors.contains("hosts.toml: \($0)") } ?? outcome.errors.isEmpty,
      "\(outcome.errors)")
  }

  @Test("a layer that was changed in an output, or in the store, is noticed by the next pull")
  func changedLayer() async throws {
    let outcome = try await shell(
      """
      set -e; cairn pull $I -q --output oci:$D/o --link >&2
      S=$(cairn store path); L=$(ls -S $S/blobs/sha256 | head -1); chmod u+w $D/o/blobs/sha256/$L
      printf X | dd of=$D/o/blobs/sha256/$L bs=1 seek=100 conv=notrunc status=none
      rm -rf $D/o; cairn pull $I -q --output oci:$D/o >&2
      for F in $S $D/o; do test $(sha256sum < $F/blobs/sha256/$L | cut -c1-64) = $L; done
      cairn store verify
      """)
    #expect(outcome.status == 0 && outcome.output.contains(" 0 damaged"), "\(outcome.errors)")
  }
}
