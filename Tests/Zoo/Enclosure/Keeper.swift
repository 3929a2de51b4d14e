import Foundation
import Registry

/// The one user that animals know.
enum Keeper {
  static let name = "keeper"
  static let password = "s3cret-of-the-zoo"

  static let credential = Credential.basic(user: name, password: password)
  static let wrong = Credential.basic(user: name, password: "not-the-secret")

  /// An auth.json with the credential for a host, or for a path of it.
  static func authFile(for key: String) -> String {
    #"{"auths":{"\#(key)":{"auth":"\#(basic.dropFirst("Basic ".count))"}}}"#
  }

  static let basic = "Basic " + Data("\(name):\(password)".utf8).base64EncodedString()
}
