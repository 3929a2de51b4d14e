import Serve
import Testing
import Transfer

struct OwnPlacesTests {
  @Test(
    "the service knows itself in a file of mirrors, by every name of loopback, and nobody else",
    arguments: [
      ("127.0.0.1:5151", "http://127.0.0.1:5151", true),
      ("127.0.0.1:5151", "http://localhost:5151", true),
      ("127.0.0.1:5151", "http://[::1]:5151", true),
      ("127.0.0.1:5151", "http://0.0.0.0:5151", true),
      ("127.0.0.1:5151", "http://127.0.0.1:5152", false),
      ("127.0.0.1:5151", "http://10.0.0.7:5151", false),
      ("0.0.0.0:5151", "http://127.0.0.1:5151", true),
      ("[::]:5151", "http://localhost:5151", true),
      ("10.0.0.7:5151", "http://10.0.0.7:5151", true),
      ("10.0.0.7:5151", "http://127.0.0.1:5151", false),
      ("[fd00::1]:5151", "http://[fd00::1]:5151", true),
      ("Node-1:443", "https://node-1", true), ("127.0.0.1:80", "http://localhost", true),
      ("unix:/run/cairn", "http://127.0.0.1:5151", false),
    ])
  func knowsItself(_ place: String, _ server: String, _ isOwn: Bool) throws {
    let places = OwnPlaces([try #require(ListenPlace(place))])
    #expect(places.contain(try RemoteURL(server).origin) == isOwn)
  }
}
