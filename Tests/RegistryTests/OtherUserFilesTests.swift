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
}
