package import OCI
import Progress
import Pull
import Registry

/// From what a user typed to an image.
extension RegistryAccess {
  /// The images that a name may mean, first to be tried first; several only with podman's short names.
  ///
  /// - Parameter text: what the user typed.
  package func references(_ text: String) throws(CairnError) -> [Reference] {
    // Before anything else it must be a name at all.
    let usual: Reference
    do throws(OCIError) { usual = try Reference(text) } catch { throw .usage(error.description) }
    guard shortNames == .podman, let name = ShortName(text) else { return [usual] }
    do throws(ShortNames.Unresolved) {
      let found = try finder.images(named: name) { note(.warning, $0) }
      note(.info, "\(text) stands for what is named by \(found.because)")
      return found.references
    } catch {
      throw .usage("the short name \(text) cannot be used: \(error.reason)")
    }
  }

  /// The image that a name means: of several the first one that its registry has.
  ///
  /// - Parameters:
  ///   - text: what the user typed.
  ///   - own: how a registry is reached, where it is asked.
  package func reference(
    _ text: String, own: (_ registry: String) throws(CairnError) -> RegistryAccess
  ) async throws(CairnError) -> Reference {
    let references = try references(text)
    guard references.count > 1, let last = references.last else { return references[0] }
    var failures: [String] = []
    for reference in references {
      do throws(CairnError) {
        try await own(reference.registry).look(for: reference)
        return reference
      } catch {
        if error.kind == .interrupted { throw error }
        guard reference == last else {
          failures.append(error.message)
          continue
        }
        var failure = error
        failure.message =
          "the short name \(text) is nowhere to be found: "
          + (failures + [error.message]).joined(separator: "; ")
        throw failure
      }
    }
    return last
  }

  /// Asks for an image's manifest, to see whether it is there.
  private func look(for reference: Reference) async throws(CairnError) {
    let engine = try engine()
    defer { engine.stop() }
    let client = try client(for: reference, engine: engine) { event in
      if let line = PlainRenderer.words(event) { note(.warning, line) }
    }
    let resolver = ImageResolver(client: client, load: { _ in nil }, save: { _, _ in })
    do throws(PullError) {
      _ = try await resolver.rootDocument()
    } catch {
      throw CairnError(error)
    }
  }
}
