import ArgumentParser
import CairnKit
import Transfer

/// Which certificate authorities are trusted.
struct TrustOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Trust the certificate authorities in this file, too.", valueName: "pem"), completion: .file()
  )
  var caFile: String?

  @Option(
    help: ArgumentHelp(
      "Trust the certificate authorities in this file and no others.", valueName: "pem"),
    completion: .file())
  var caOnly: String?

  func validate() throws {
    guard caFile == nil || caOnly == nil else {
      throw ValidationError("--ca-file adds to what is trusted, --ca-only replaces it: choose one")
    }
    do throws(TransferError) {
      try settings.check()
    } catch {
      throw ValidationError(error.message)
    }
  }

  /// What the options say.
  var authorities: RegistryAccess.Authorities {
    if let caOnly { return .only(caOnly) }
    return caFile.map { .also($0) } ?? .standard
  }

  /// The same for an engine, without the environment.
  private var settings: TrustSettings {
    var settings = TrustSettings()
    settings.onlyFile = caOnly
    settings.extraFiles = [caFile].compactMap { $0 }
    return settings
  }
}
