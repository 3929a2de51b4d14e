import OCI
import Progress
import Pull
import Registry

/// From what a user typed to an image.
extension RegistryOptions {
  /// The images that a name may mean, first to be tried first; several only with `--short-names podman`.
  ///
  /// - Parameter text: what the user typed.
  func references(_ text: String) throws -> [Reference] {
    // Before anything else it must be a name at all.
    let usual = try parsed { () throws(OCIError) in try Reference(text) }
    guard mirrors.shortNames == .podman, let name = ShortName(text) else { return [usual] }
    let logger = logger
    do throws(ShortNames.Unresolved) {
      let found = try mirrors.finder(plainHTTP: plainHttp).images(named: name) {
        logger.warning("\($0)")
      }
      logger.info("\(text) stands for what is named by \(found.because)")
      return found.references
    } catch {
      throw CommandFailure(
        message: "the short name \(text) cannot be used: \(error.reason)", exitCode: 64)
    }
  }

  /// The image that a name means: of several the first one that its registry has.
  ///
  /// - Parameter text: what the user typed.
  func reference(_ text: String) async throws -> Reference {
    let references = try references(text)
    guard references.count > 1, let last = references.last else { return references[0] }
    var failures: [String] = []
    for reference in references {
      do {
        try await own(reference.registry).look(for: reference)
        return reference
      } catch let failure as CommandFailure {
        guard reference == last else {
          failures.append(failure.message)
          continue
        }
        throw CommandFailure(
          message: "the short name \(text) is nowhere to be found: "
            + (failures + [failure.message]).joined(separator: "; "),
          hint: failure.hint, exitCode: failure.exitCode)
      }
    }
    return last
  }

  /// Asks for an image's manifest, to see whether it is there.
  private func look(for reference: Reference) async throws {
    let engine = try engine()
    defer { engine.stop() }
    let logger = logger
    let client = try client(for: reference, engine: engine) { event in
      if let line = PlainRenderer.notice(event) { logger.warning("\(line)") }
    }
    let resolver = ImageResolver(client: client, load: { _ in nil }, save: { _, _ in })
    do throws(PullError) {
      _ = try await resolver.rootDocument()
    } catch {
      throw CommandFailure(error)
    }
  }
}
