import Foundation
import OCI
@testable import Registry
import Support
import Testing
import Transfer

/// Files of mirrors that another user can write, where nobody named them.
@Suite("Other users' files of mirrors", .enabled(if: geteuid() == 0))
struct OtherUserFilesTests {
  let files: EndpointFinderTests

  init() throws { files = try EndpointFinderTests() }

  @Test(
    "in usual places another user's file is passed over with a word, and the machine's counts",
    arguments: [
      "file", "file for all", "folder", "link to a file of ours", "link to a folder of ours",
      "link higher up", "folder higher up",
    ])
  func passesOver(what: String) throws {
    let users = "home/.config/containers/registries.conf"
    try files.write("containers/registries.conf", EndpointFinderTests.conf("machine.example"))
    try files.write(users, EndpointFinderTests.conf("his.example"))
    try files.write("home/.config/containers/certs.d/r.example:5000/ca.crt", "x")
    var owned = files.folder(users)
    switch what {
    case "file for all": chmod(owned, 0o666)
    case "folder":
      owned = files.folder("home/.config/containers")
      chown(files.folder("home/.config/containers/certs.d"), 65_534, 65_534)
    case "link to a file of ours":
      unlink(owned)
      symlink("/dev/null", owned)
    case "link to a folder of ours", "link higher up":
      owned = files.folder(what == "link higher up" ? "home/.config" : "home/.config/containers")
      rename(owned, files.folder("ours"))
      symlink(files.folder("ours"), owned)
    case "folder higher up": owned = files.folder("home/.config")
    default: break
    }
    if what != "file for all" { lchown(owned, 65_534, 65_534) }
    let plan = try files.finder.plan(for: Reference("r.example:5000/a"))
    #expect(plan.endpoints.map(\.origin.authority) == ["machine.example", "r.example:5000"])
    #expect(plan.warnings.first?.hasPrefix(files.folder(users) + " is passed over: ") == true)
    let isAll = !["file", "file for all", "link to a file of ours"].contains(what)
    #expect((plan.endpoints.last?.access.caFiles == []) == isAll)
    #expect(plan.warnings.contains { $0.contains("certs.d") } == isAll)
    // Whoever names it means it.
    var named = files.finder
    named.registriesFile = files.folder(users)
    #expect(try !files.hosts(named, "r.example:5000/a").contains("machine.example"))
  }

  @Test("so it is in the folder of settings that a variable names", arguments: ["", ".d/1"])
  func settingsOfOther(what: String) throws {
    let path = "xdg/containers/registries.conf\(what.isEmpty ? "" : what + ".conf")"
    try files.write(path, EndpointFinderTests.conf("his.example"))
    try files.write("containers/registries.conf", EndpointFinderTests.conf("machine.example"))
    chown(files.folder(path), 65_534, 65_534)
    let finder = EndpointFinderTests.finder(
      files.folder, ["XDG_CONFIG_HOME": files.folder("xdg")])
    let plan = try finder.plan(for: Reference("r.example:5000/a"))
    #expect(plan.endpoints.map(\.origin.authority) == ["machine.example", "r.example:5000"])
    #expect(plan.warnings.count == 1)
    #expect(plan.warnings.first?.hasPrefix(files.folder(path) + " is passed over: ") == true)
  }

  @Test(
    "certificates that were found are read only as long as they are where only we could put them",
    arguments: ["authority", "client"])
  func changedLater(what: String) throws {
    let place = "home/.config/containers/certs.d/r.example"
    let pem = Array(what.utf8)
    for name in ["ca.crt", "a.cert", "a.key"] { try files.write("\(place)/\(name)", pem) }
    let access = try #require(
      try files.finder.plan(for: Reference("r.example/a")).endpoints.last?.access)
    #expect(access.caFiles == [files.folder("\(place)/ca.crt")])
    let client = try #require(access.clientCertificate)
    #expect(try client.read().certificate == pem)
    rename(files.folder("home/.config"), files.folder("ours"))
    symlink(files.folder("ours"), files.folder("home/.config"))
    lchown(files.folder("home/.config"), 65_534, 65_534)
    let error = #expect(throws: TransferError.self) {
      if what == "client" {
        _ = try client.read()
      } else {
        _ = try TrustBundle(
          TrustSettings(), serverFiles: access.caFiles, serverTrust: access.caTrust,
          system: .init(file: nil, folder: nil))
      }
    }
    #expect(error.map { "\($0)".contains("belongs to another user") } == true)
  }

  @Test(
    "in the machine's folders whatever is there counts, whoever owns it: from outside a container",
    arguments: ["containers/registries.conf", "containers", "certs.d/r.example/hosts.toml"])
  func machineFiles(owned: String) throws {
    let blocked = "[[registry]]\nlocation = \"blocked.example\"\nblocked = true\n"
    try files.write("containers/registries.conf", blocked)
    try files.write("certs.d/r.example/hosts.toml", EndpointFinderTests.toml("m.example"))
    chown(files.folder(owned), 1_000, 1_000)
    chmod(files.folder("containers"), 0o777)
    #expect(throws: EndpointPlan.Refused.self) {
      try files.finder.plan(for: Reference("blocked.example/a"))
    }
    #expect(try files.hosts(files.finder, "r.example/a") == ["m.example", "r.example"])
  }

  private static let logins = ["runtime/containers", "home/.config/containers", "home/.docker"]
  private static let login = #"{"auths":{"r.example":{"auth":"dTpw"}}}"#

  private func environment(_ more: [String: String] = [:]) -> [String: String] {
    ["HOME": files.folder("home"), "XDG_RUNTIME_DIR": files.folder("runtime")].merging(more) { $1 }
  }

  /// The credential that is found, and what is said.
  private func found(authFile: String? = nil, _ environment: [String: String]) async
    -> (Credential?, [String])
  {
    let said = Log<String>()
    let chain = CredentialChain(
      files: CredentialFile.standard(authFile: authFile, environment: environment),
      warn: { said.add($0) })
    return (await chain.credential(registry: "r.example", repository: "a"), said.all)
  }

  @Test(
    "logins in a home that another user owns or everybody may write count only if they are ours",
    arguments: logins,
    ["file", "folder", "link", "link higher up", "home for all", "home like /tmp"])
  func loginOfOther(place: String, what: String) async throws {
    let file = "\(place)/\(place.hasSuffix("docker") ? "config" : "auth").json"
    try files.write(file, Self.login)
    let home = files.folder(place.split(separator: "/").first.map(String.init) ?? "")
    switch what {
    case "link", "link higher up":
      let linked = files.folder(what == "link" ? file : place)
      rename(linked, files.folder("ours"))
      symlink(files.folder("ours"), linked)
      lchown(linked, 65_534, 65_534)
    case "folder": chown(files.folder(place), 65_534, 65_534)
    default: chown(files.folder(file), 65_534, 65_534)
    }
    switch what {
    case "home for all": chmod(home, 0o777)
    case "home like /tmp": chmod(home, 0o1777)
    default: chown(home, 65_534, 65_534)
    }
    let (credential, said) = await found(environment())
    #expect(credential == nil)
    #expect(said.count == 1 && said[0].contains("belongs to another user (65534)"), "\(said)")
    #expect(said.first?.contains(files.folder(file)) == true)
    // Whoever names it means it.
    #expect(await found(authFile: files.folder(file), environment()).0 != nil)
    #expect(await found(environment(["REGISTRY_AUTH_FILE": files.folder(file)])).0 != nil)
    if place == "home/.docker" {
      #expect(await found(environment(["DOCKER_CONFIG": files.folder(place)])).0 != nil)
    }
  }

  @Test(
    "our login counts in another user's home, and in ours whatever a container got from outside",
    arguments: logins, [true, false])
  func loginOfOurs(place: String, isOurHome: Bool) async throws {
    let file = "\(place)/\(place.hasSuffix("docker") ? "config" : "auth").json"
    try files.write(file, Self.login)
    let home = place.split(separator: "/").first.map(String.init) ?? ""
    for name in isOurHome ? [place, file] : [home] { chown(files.folder(name), 65_534, 65_534) }
    let (credential, said) = await found(environment())
    #expect(credential != nil && said.isEmpty, "\(said)")
  }

  @Test("no helper is run that another user's login names", arguments: [true, false])
  func helperOfOther(isHis: Bool) async throws {
    try files.write("home/.docker/config.json", #"{"credsStore":"mark"}"#)
    let helper = files.folder("docker-credential-mark")
    try files.write("docker-credential-mark", "#!/bin/sh\n: > '\(files.folder("ran"))'\n")
    chmod(helper, 0o755)
    if isHis {
      for name in ["home", "home/.docker", "home/.docker/config.json"] {
        chown(files.folder(name), 65_534, 65_534)
      }
    }
    var chain = CredentialChain(
      files: CredentialFile.standard(authFile: nil, environment: environment()))
    chain.helperPath = files.folder.path
    _ = await chain.credential(registry: "r.example", repository: "a")
    #expect((access(files.folder("ran"), F_OK) == 0) == !isHis)
  }

  @Test("a pipe at a usual place is refused with a word, and one that was named is read")
  func pipes() async throws {
    let folder = files.folder("home/.docker")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let path = "\(folder)/config.json"
    #expect(mkfifo(path, 0o600) == 0)
    // Somebody who writes nothing holds it open.
    let writer = open(path, O_RDWR)
    for environment in [environment(), environment(["DOCKER_CONFIG": folder])] {
      let (credential, said) = await found(environment)
      #expect(credential == nil)
      #expect(said == ["cannot read the credential file \(path): it is a pipe"])
    }
    let text = Array(Self.login.utf8)
    // Keeps what was written until it is read, which ends where nobody writes any more.
    let keeper = open(path, O_RDONLY | O_NONBLOCK)
    #expect(write(writer, text, text.count) == text.count)
    close(writer)
    #expect(await found(authFile: path, environment()).0 != nil)
    close(keeper)
  }
}
