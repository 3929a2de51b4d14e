import OCI
import Support

/// A running animal on loopback: a registry, and the hosts for blobs and tokens that it sends
/// visitors to.
final class Enclosure: Sendable {
  let animal: Animal
  let denizen: Denizen
  private let servers: [Visit.Door: RawServer]

  init(_ animal: Animal, image: FakeImage) throws {
    self.animal = animal
    let denizen = Denizen(animal, image: image)
    self.denizen = denizen
    var servers: [Visit.Door: RawServer] = [:]
    for door in Visit.Door.allCases {
      let server = try RawServer(isOneAtATime: denizen.dialect.isOneAtATime) { request in
        denizen.reply(to: request, at: door)
      }
      denizen.listens(door, at: server.port)
      servers[door] = server
    }
    self.servers = servers
  }

  deinit { for server in servers.values { server.stop() } }

  var image: FakeImage { denizen.image }

  /// The registry's `host:port`.
  var host: String { servers[.registry]?.host ?? "" }

  /// Everybody who may be to blame.
  var hosts: [String] { servers.values.map(\.host) }

  /// Every visit so far.
  var visits: [Visit] { denizen.log.all }

  /// Requests for bytes of blobs, wherever they went.
  var contentRequests: Int { visits.count { $0.isContent } }

  /// The image's name by its tag.
  var byTag: String { "\(host)/\(denizen.repository):latest" }

  /// The image's name by its digest.
  var byDigest: String { "\(host)/\(denizen.repository)@\(image.manifest)" }
}
