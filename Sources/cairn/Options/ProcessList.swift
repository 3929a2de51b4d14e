import Glibc
import Text

/// What other users of the machine see of this process's arguments.
enum ProcessList {
  /// Overwrites the value of `--creds` among the arguments that the kernel shows; the program has
  /// its own copy.
  ///
  /// Whoever looks in the moment between the start and this call still sees it.
  static func hideCredentials() {
    // The arguments are copied before they are overwritten.
    _ = ProcessStart.arguments
    var isValue = false
    for place in ProcessStart.places {
      let text = String(cString: place)
      if isValue {
        overwrite(place)
      } else if text.begins(with: "--creds=") {
        overwrite(place + "--creds=".utf8.count)
      }
      isValue = text.exact == "--creds".exact
    }
  }

  private static func overwrite(_ place: UnsafeMutablePointer<CChar>) {
    memset(place, Int32(UInt8(ascii: "x")), strlen(place))
  }
}
