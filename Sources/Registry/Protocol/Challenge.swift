/// One challenge of a `WWW-Authenticate` field (RFC 9110, 11.6.1).
package struct Challenge: Sendable, Equatable {
  /// The scheme in lower case: `bearer`, `basic`.
  package var scheme: String
  /// Parameters, names in lower case.
  package var parameters: [String: String]

  /// The scope of the token that is wanted; nil: nothing special is said.
  var scope: String? {
    parameters["scope"].flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 }
  }

  /// The most parameters that are read of one challenge.
  private static let parameterLimit = 32
  /// The most bytes that are read of a field.
  private static let lengthLimit = 8192

  /// Reads every challenge of a field, as its writers mean it; what cannot be read is passed over.
  ///
  /// - Parameter field: for example `Bearer realm="https://auth.example/token",service="r"`.
  package static func parse(_ field: String) -> [Challenge] {
    var scanner = ChallengeScanner(Array(field.utf8.prefix(lengthLimit)))
    var challenges: [Challenge] = []
    while !scanner.isAtEnd {
      guard let word = scanner.token() else {
        scanner.passOver()
        continue
      }
      guard !scanner.skip(UInt8(ascii: "=")) else {
        // A parameter of no challenge, or one too many.
        _ = scanner.value()
        continue
      }
      var challenge = Challenge(scheme: word.lowercased(), parameters: [:])
      scanner.skipToken68()
      var last: String?
      while challenge.parameters.count < parameterLimit {
        let mark = scanner.position
        guard let name = scanner.token()?.lowercased() else { break }
        if scanner.skip(UInt8(ascii: "=")) {
          challenge.parameters[name] = scanner.value()
          last = name
        } else if last == "scope", ["pull", "push", "delete", "*"].contains(name) {
          // A scope without quotation marks has commas of its own.
          challenge.parameters["scope"]? += "," + name
        } else {
          // A word without "=" is the next challenge's scheme.
          scanner.position = mark
          break
        }
      }
      challenges.append(challenge)
    }
    return challenges
  }
}
