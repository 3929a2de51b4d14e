import FoundationEssentials
import OCI
import Subprocess
import SystemPackage

/// Asks an external `docker-credential-<name>` program.
struct CredentialHelper {
  /// Why a helper gave nothing.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  let name: String
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
      outcome = try await Self.run("docker-credential-\(name)", server: server, timeout: timeout)
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(description: "it cannot be started")
    }
    guard outcome.isSuccess else {
      // Helpers say what is wrong on either output. What could be an answer is shown to nobody.
      let said = (outcome.error + "\n" + outcome.output).split(whereSeparator: \.isNewline)
      let text = Secrets().redact(said.first { !$0.contains("{") && !$0.contains("\"") } ?? "")
      // Every helper says this in its own way when it simply has nothing (ggcr#258).
      if said.contains(where: { $0.lowercased().contains("credentials not found") }) { return nil }
      throw Failure(description: text.isEmpty ? "it failed" : text.shownSafely(limit: 120))
    }
    guard let answer = LooseJSON(Data(outcome.output.utf8)), let user = answer["username"]?.string,
      let secret = answer["secret"]?.string
    else {
      throw Failure(description: "its answer is not in the expected form")
    }
    if secret.isEmpty { return nil }
    return user == "<token>" ? .identityToken(secret) : .basic(user: user, password: secret)
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

  private static func run(_ program: String, server: String, timeout: Double) async throws
    -> Outcome
  {
    try await withThrowingTaskGroup(of: Outcome?.self) { group in
      group.addTask {
        var options = PlatformOptions()
        options.teardownSequence = [.send(signal: .kill, allowedDurationToNextStep: .seconds(1))]
        let result = try await Subprocess.run(
          .name(program), arguments: ["get"], platformOptions: options,
          input: .fileDescriptor(
            try Self.pipe(holding: server + "\n"), closeAfterSpawningProcess: true),
          output: .string(limit: 64 << 10),
          error: .string(limit: 64 << 10))
        return Outcome(
          isSuccess: result.terminationStatus.isSuccess, output: result.standardOutput,
          error: result.standardError)
      }
      group.addTask {
        try await Task.sleep(for: .seconds(timeout))
        return nil
      }
      defer { group.cancelAll() }
      guard let first = try await group.next(), let outcome = first else {
        throw Failure(description: "it did not answer within \(Int(timeout)) s")
      }
      return outcome
    }
  }
}
