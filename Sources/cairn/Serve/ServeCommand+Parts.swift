import ArgumentParser
import CairnKit
import CurlTransfer
import Disk
import Downloads
import FoundationEssentials
import Glibc
import Pull
import Registry
import Serve
import Store

/// What the service is made of.
extension ServeCommand {
  /// How registries are reached.
  var access: RegistryAccess {
    var access = RegistryAccess()
    access.authorities = trust.authorities
    access.hostsFolder = hostsDir
    patience.add(to: &access)
    return access
  }

  /// Opens the store, in the cache's folder where none is named.
  func openStore(_ warn: @escaping @Sendable (String) -> Void) throws -> ContentStore {
    let root = store ?? UserFolders(ProcessInfo.processInfo.environment).cache + "/cairn/serve"
    do throws(StoreError) {
      return try ContentStore(root: URL(filePath: root).path, tell: warn)
    } catch {
      throw CommandFailure(error)
    }
  }

  /// Takes the cache over; what pulls have in the user's own store is read.
  func makeCache(_ store: ContentStore, _ warn: @escaping @Sendable (String) -> Void) throws
    -> CacheKeeper
  {
    var own = StoreOptions()
    own.store = nil
    let limit = cacheLimit.bytes > 0 ? cacheLimit.bytes : nil
    do throws(StoreError) {
      return try CacheKeeper(
        store: store, reading: own.path == store.root ? nil : try? ContentStore.reading(own.path),
        limit: limit, keeps: keep, warn: warn)
    } catch {
      throw CommandFailure(error)
    }
  }

  func makePaths(_ warn: @escaping @Sendable (String) -> Void) -> ServePaths {
    var options = PullOptions()
    options.registry = access
    options.workers = .automatic(most: maxWorkers)
    options.bytesPerSecond = limitRate.map { Double($0.bytes) }
    return ServePaths(
      file: historyOptions.file, site: historyOptions.historySite, isLimited: limitRate != nil,
      warn: warn
    ) { [options] prior in
      PathPlanner(options, most: OpenFileBudget.ofProcess.workers, prior: prior)
    }
  }

  func makeMetrics() -> ServeMetrics {
    ServeMetrics(
      .init(
        version: Cairn.version, maxWorkers: maxWorkers, limitRate: limitRate?.bytes,
        maxConnections: OpenFileBudget.ofProcess.callers))
  }

  func makeDownloads(
    _ store: ContentStore, _ paths: ServePaths, _ metrics: ServeMetrics
  ) -> Downloads {
    let limits = Downloads.Limits.ofMachine(
      patience: (patience.stallTimeout, Double(patience.minRate.bytes)))
    return Downloads(
      store: store, limits: limits, plan: { await paths.plan($0, $1) },
      ended: {
        metrics.poolEnded($0.registry)
        await paths.record($0)
      }, tell: { metrics.note($0) })
  }

  func makeDoorkeeper(
    engine: CurlEngine, _ paths: ServePaths, _ tags: SharedTags,
    _ warn: @escaping @Sendable (String) -> Void
  ) throws -> CallerDoorkeeper {
    let environment = ProcessInfo.processInfo.environment
    let (access, plainHTTP) = (access, Set(plainHttp))
    var own = CredentialChain(
      files: CredentialFile.standard(authFile: nil, environment: environment), warn: warn)
    own.takeInline(authFile: nil, environment: environment)
    let clients = UpstreamClients(
      registries: ServedRegistries(registry) ?? ServedRegistries(), engine: access.observed(engine),
      retryRule: access.retryRule, own: own, places: OwnPlaces(places),
      tokenService: { await paths.servers($0)?.knownTokenService }, warn: warn
    ) { reference in
      var access = access
      access.plainHTTP = plainHTTP.contains(reference.registry)
      return try access.finder.plan(for: reference)
    }
    do throws(ServeRefusal) {
      let owner = try OwnerRule(isOn: ownCredentials, owner: geteuid(), places: guards)
      return CallerDoorkeeper(clients, owner: owner, tags: tags)
    } catch {
      throw ValidationError(error.message)
    }
  }

  /// What it shows over TLS, where it is to speak it.
  func makeEncryption(_ warn: @escaping @Sendable (String) -> Void) throws -> TLSFiles? {
    guard let tlsCert, let tlsKey else { return nil }
    do throws(TLSFiles.Failure) {
      return try TLSFiles(certificate: tlsCert, key: tlsKey, warn: warn)
    } catch {
      throw CommandFailure(message: "\(error)", kind: .notFound)
    }
  }

  /// Where it is asked.
  var places: [ListenPlace] {
    (listen.isEmpty ? ["127.0.0.1:5151"] : listen).compactMap { ListenPlace($0) }
  }

  /// Where it is asked, for what depends on whether that is beyond this machine.
  private var guards: [HostGuard] {
    places.map { place in
      switch place {
      case .path: .socket
      case .network(let host, let port): HostGuard(host: host, port: port)
      }
    }
  }
}
