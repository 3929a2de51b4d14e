/// The network that all clients of a simulation are on.
final class SharedNetwork {
  /// The link, its server and every connection over it.
  var link: VirtualNetwork

  init(_ link: VirtualNetwork) { self.link = link }
}
