import Disk
package import OCI
package import Transfer

/// Reads the files that say who is asked for an image: containerd's `hosts.toml`, podman's
/// `registries.conf`, and folders of certificates.
///
/// One rule says which of the first two counts, since both may speak of a registry:
/// 1. one that was named by an option counts before the usual ones, which are then not read;
/// 2. a `hosts.toml` for the registry, or `_default`, counts before `registries.conf`, even where
///   it cannot be used.
///
/// How a server is reached is what its own table says; where that names no certificate, the folder
/// in Docker's layout that has its name.
package struct EndpointFinder: Sendable {
  /// `--hosts-dir`.
  package var hostsFolder: String?
  /// `--registries-conf`.
  package var registriesFile: String?
  /// Speak plain HTTP with the registry itself.
  package var plainHTTP = false
  /// Shown to the registry itself, before what any file says.
  package var clientCertificate: ServerAccess.ClientCertificate?
  let places: ConfigPlaces

  /// Makes a finder of the usual files.
  ///
  /// - Parameter environment: the process's environment.
  package init(environment: [String: String]) {
    places = ConfigPlaces(environment: environment)
  }

  init(places: ConfigPlaces) { self.places = places }

  /// Who is asked for an image, in order.
  ///
  /// - Parameter reference: the image.
  /// - Throws: `EndpointPlan.Refused` where nobody may be asked; `TransferError` when the
  ///   registry's host cannot be part of a URL.
  package func plan(for reference: Reference) throws -> EndpointPlan {
    let own = try Endpoint(of: reference, plainHTTP: plainHTTP)
    var warnings: [String] = []
    var plan: EndpointPlan?
    var certificates: CertificateFolder?
    if hostsFolder != nil || registriesFile == nil {
      let found = hosts(for: reference, own, &warnings)
      (plan, certificates) = (found.plan, found.certificates)
    }
    if plan == nil, registriesFile != nil || hostsFolder == nil {
      let config = try registries(&warnings)
      plan = try config.plan(for: reference, plainHTTP: plainHTTP)
    }
    var result = plan ?? EndpointPlan(endpoints: [own])
    for index in result.endpoints.indices {
      let isOwn = index == result.endpoints.count - 1 && result.blocks == nil
      complete(&result.endpoints[index], isOwn ? certificates : nil, reference, &warnings)
      if isOwn, let clientCertificate, result.endpoints[index].origin.host == own.origin.host {
        result.endpoints[index].access.clientCertificate = clientCertificate
      }
    }
    result.warnings = warnings + result.warnings
    return result
  }

  private static func passedOver(_ path: String, _ reason: String) -> String {
    "\(path) is passed over: \(reason)"
  }

  // MARK: hosts.toml

  private func hosts(for reference: Reference, _ own: Endpoint, _ warnings: inout [String])
    -> (plan: EndpointPlan?, certificates: CertificateFolder?)
  {
    let root = hostsFolder ?? places.hostsFolder
    if let hostsFolder, case .success(false) = ConfigFile.exists(hostsFolder) {
      warnings.append("--hosts-dir \(hostsFolder) is not there")
    }
    for name in HostsFolder.names(of: reference.registry) {
      let folder = "\(root)/\(name)"
      switch ConfigFile.exists(folder) {
      case .success(false): continue
      case .success(true): break
      case .failure(let unclear):
        warnings.append("mirrors are not used: \(folder): \(unclear.reason)")
        return (EndpointPlan(endpoints: [own]), nil)
      }
      let path = "\(folder)/hosts.toml"
      let certificates = CertificateFolder(folder, names: Files.list(folder))
      switch ConfigFile.read(path, trust: nil) {
      case .missing, .text(""): return (nil, certificates)
      case .unusable(let reason), .untrusted(let reason):
        warnings.append("mirrors are not used: \(path): \(reason)")
      case .text(let text):
        do throws(HostsFile.Invalid) {
          let file = try HostsFile(text, folder: folder)
          warnings += file.warnings.map { "\(path): \($0)" }
          let endpoints = file.endpoints(for: reference, own: own, source: path)
          return (EndpointPlan(endpoints: endpoints, source: path), nil)
        } catch {
          warnings.append("mirrors are not used: \(path): \(error)")
        }
      }
      return (EndpointPlan(endpoints: [own], source: path), certificates)
    }
    return (nil, nil)
  }

  // MARK: registries.conf

  /// All `registries.conf` files that count, together.
  ///
  /// - Throws: `EndpointPlan.Refused` where one cannot be used: nobody knows what it blocks.
  func registries(_ warnings: inout [String]) throws(EndpointPlan.Refused) -> RegistriesConfig {
    var config = RegistriesConfig()
    for place in places.registriesFiles(named: registriesFile) {
      do throws(RegistriesFile.Invalid) {
        guard let file = try registries(in: place, &warnings) else { continue }
        config.add(file, path: place.path, onlyBlocks: place.onlyBlocks)
      } catch {
        throw EndpointPlan.Refused(
          message: "\(place.path) cannot be used, and nobody knows what it blocks: \(error)")
      }
    }
    return config
  }

  private func registries(in place: ConfigPlaces.RegistriesPlace, _ warnings: inout [String])
    throws(RegistriesFile.Invalid) -> RegistriesFile?
  {
    let path = place.path
    switch place.read() {
    case .missing:
      if place.isNamed { warnings.append("\(path) is not there") }
      return nil
    case .untrusted(let reason):
      warnings.append(Self.passedOver(path, reason))
      return nil
    case .unusable(let reason): throw RegistriesFile.Invalid(description: reason)
    case .text(let text):
      let file = try RegistriesFile(text, path: path)
      if !place.onlyBlocks { warnings += file.warnings.map { "\(path): \($0)" } }
      return file
    }
  }

  /// The images that a short name may mean.
  ///
  /// - Parameters:
  ///   - name: the name.
  ///   - warn: told what is wrong with files.
  /// - Throws: `ShortNames.Unresolved`.
  package func images(named name: ShortName, warn: (String) -> Void) throws(ShortNames.Unresolved)
    -> ShortNames
  {
    var warnings: [String] = []
    var config: RegistriesConfig
    do throws(EndpointPlan.Refused) {
      config = try registries(&warnings)
    } catch {
      throw ShortNames.Unresolved(reason: error.message)
    }
    let notes = places.aliases
    do throws(RegistriesFile.Invalid) {
      if let file = try registries(in: notes, &warnings) {
        config.addAliases(of: file, path: notes.path)
      }
    } catch {
      // podman's own notes block nothing.
      warnings.append("\(notes.path) is not used: \(error)")
    }
    for warning in warnings { warn(warning) }
    return try config.images(named: name)
  }

  // MARK: Certificates

  /// Certificates of the folder that has the server's name, and of all only those that can be read.
  private func complete(
    _ endpoint: inout Endpoint, _ own: CertificateFolder?, _ reference: Reference,
    _ warnings: inout [String]
  ) {
    let mayNeedSome = endpoint.origin.scheme == "https"
    if mayNeedSome, endpoint.access.caFiles.isEmpty, endpoint.access.clientCertificate == nil,
      let folder = own.flatMap({ $0.isEmpty ? nil : $0 })
        ?? certificates(of: endpoint, reference, &warnings)
    {
      endpoint.access.caFiles = folder.access.caFiles
      endpoint.access.caTrust = folder.access.caTrust
      endpoint.access.clientCertificate = folder.access.clientCertificate
      warnings += folder.warnings
    }
    func isReadable(_ file: String, _ trust: FileTrust?) -> Bool {
      if ConfigFile.isReadable(file, trust: trust) { return true }
      warnings.append(
        "\(file) cannot be read; \(endpoint.origin.authority) is asked without it")
      return false
    }
    let trust = endpoint.access.caTrust
    endpoint.access.caFiles = endpoint.access.caFiles.filter { isReadable($0, trust) }
    if let client = endpoint.access.clientCertificate,
      ![client.certificate, client.key].compactMap({ $0 }).allSatisfy({
        isReadable($0, client.trust)
      })
    {
      endpoint.access.clientCertificate = nil
    }
  }

  private func certificates(
    of endpoint: Endpoint, _ reference: Reference, _ warnings: inout [String]
  ) -> CertificateFolder? {
    let names = [endpoint.registry(of: reference), endpoint.origin.authority]
    for name in names {
      let folders = places.certificateFolders(of: name, port: endpoint.origin.port)
      // The first folder that is there counts, as with podman.
      for path in folders {
        switch places.certificates(in: path) {
        case .success(let found?): return found
        case .success(nil): continue
        case .failure(let unclear): warnings.append(Self.passedOver(path, unclear.reason))
        }
      }
    }
    return nil
  }
}
