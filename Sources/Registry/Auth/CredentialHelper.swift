import FoundationEssentials
import OCI
import Subprocess
import SystemPackage
import Text

/// Asks an external `docker-credential-<name>` program.
struct CredentialHelper {
  /// Why a helper gave nothing.
  struct Failure: Error, CustomStringConvertible {
    let description: String
    /// Whether it did answer: about another name of the server it may have something else to say.
    var isAnswer = false
  }

  let name: String
  /// Where programs are looked for first, as in `PATH`; nil: only where that says.
  var searchPath: String?
  /// Seconds before a helper that hangs is ended.
  var timeout = 60.0

  /// The helper's credential for a server; nil when it has none.
  ///
  /// - Parameter server: the server's name as the helper knows it.
  /// - Throws: `Failure` when the helper is missing, fails, hangs or says nonsense.
  func credential(for server: String) async throws(Failure) -> Credential? {
    guard !name.isEmpty,
      name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) })
    else { throw Failure(description: "its name is not a program's") }
    let outcome: Outcome
    do {
      outcome = try await runInTime("docker-credential-\(name)", server: server)
    } catch let failure as Failure {
      throw failure
    } catch let error as SubprocessError where error.code == .outputLimitExceeded {
      throw Failure(description: "it says more than \(Self.mostRead) bytes")
    } catch {
      throw Failure(description: "it cannot be started")
    }
    guard outcome.isSuccess else {
      let said = (outcome.error + "\n" + outcome.output).lowercased()
      // Every helper says this in its own way when it simply has nothing (ggcr#258).
      if said.contains("credentials not found") { return nil }
      throw Failure(
        description: HelperWords.of(output: outcome.output, error: outcome.error) ?? "it failed",
        isAnswer: true)
    }
    guard let (user, secret) = Self.answer(outcome.output) else {
      let words = HelperWords.of(output: "", error: outcome.error).map { ": \($0)" } ?? ""
      throw Failure(description: "its answer is not in the expected form\(words)")
    }
    if secret.isEmpty { return nil }
    return user == "<token>" ? .identityToken(secret) : .basic(user: user, password: secret)
  }

  /// The most bytes that are read of what a helper says, on either output.
  private static let mostRead = 64 << 10
  /// The most beginnings of an object that are tried.
  private static let mostBeginnings = 16

  /// User name and secret, whatever stands before and after the object: warnings, or a byte order mark.
  static func answer(_ output: String) -> (user: String, secret: String)? {
    let bytes = Array(output.utf8)
    guard let end = bytes.lastIndex(of: UInt8(ascii: "}")) else { return nil }
    let beginnings = bytes.indices.filter { bytes[$0] == UInt8(ascii: "{") && $0 < end }
    for start in beginnings.prefix(mostBeginnings) {
      if let object = LooseJSON(Data(bytes[start...end])),
        let user = object["username"]?.string, let secret = object["secret"]?.string
      {
        return (user, secret)
      }
    }
    return nil
  }

  private struct Outcome: Sendable {
    var isSuccess: Bool
    var output: String
    var error: String
  }

  /// The reading end of a pipe that holds a text already.
  ///
  /// Helpers may end without reading a byte, and Subprocess 1.0.2 traps when it then fails to write.
  private static func pipe(holding text: String) throws -> FileDescriptor {
    let (reading, writing) = try FileDescriptor.pipe()
    try writing.closeAfter { _ = try writing.writeAll(text.utf8) }
    return reading
  }

  private func environment(_ processes: HelperProcesses) -> Environment {
    let marked = Environment.inherit.updating([HelperProcesses.variable: processes.value])
    guard let searchPath else { return marked }
    let own = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return marked.updating(["PATH": "\(searchPath):\(own)"])
  }

  /// One run of a program, until it ends or the task is cancelled: then it is ended, with all that
  /// it started.
  private func run(_ program: String, server: String) async throws -> Outcome {
    let processes = HelperProcesses()
    processes.note()
    // Where it was ended, the end of this process looks again: a program that was just being
    // started has no environment.
    defer { if !Task.isCancelled { processes.withdraw() } }
    return try await withTaskCancellationHandler {
      var options = PlatformOptions()
      options.teardownSequence = [.send(signal: .kill, allowedDurationToNextStep: .seconds(1))]
      let result = try await Subprocess.run(
        .name(program), arguments: ["get"], environment: environment(processes),
        platformOptions: options,
        input: .fileDescriptor(
          try Self.pipe(holding: server + "\n"), closeAfterSpawningProcess: true),
        output: .string(limit: Self.mostRead), error: .sequence
      ) { execution in
        // It may have come to be after all were looked for.
        if Task.isCancelled { processes.end() }
        // All of it is read, lest the helper waits for ever to say it; only its beginning is kept.
        var said: [UInt8] = []
        for try await part in execution.standardError where said.count < Self.mostRead {
          part.withUnsafeBytes { said += $0.prefix(Self.mostRead - said.count) }
        }
        return String(outside: said)
      }
      return Outcome(
        isSuccess: result.terminationStatus.isSuccess, output: result.standardOutput,
        error: result.closureResult)
    } onCancel: {
      processes.end()
    }
  }

  private func runInTime(_ program: String, server: String) async throws -> Outcome {
    try await withThrowingTaskGroup(of: Outcome?.self) { group in
      group.addTask { try await run(program, server: server) }
      group.addTask {
        try await Task.sleep(for: .seconds(timeout))
        return nil
      }
      defer { group.cancelAll() }
      guard let first = try await group.next(), let outcome = first else {
        throw Failure(description: "it did not answer within \(Int(clamping: timeout)) s")
      }
      return outcome
    }
  }
}
