package import FoundationEssentials
import Hashing
package import OCI
import Text
import Transfer

/// What names a manifest or an index in a repository.
package enum DocumentName: Sendable, Equatable {
  case tag(String)
  /// A digest, and the size that the index gives; nil: it gives none.
  case digest(Digest, size: Int64?)

  /// What stands before it in a reference.
  var mark: String { if case .tag = self { ":" } else { "@" } }

  /// As it stands in a request's path.
  var selector: String {
    switch self {
    case .tag(let tag): tag
    case .digest(let digest, _): digest.description
    }
  }
}

/// A manifest or an index that is what was asked for.
package struct FetchedDocument: Sendable {
  /// The bytes as served.
  package var data: Data
  /// The `Content-Type`.
  package var contentType: MediaType?
  /// The digest of `data`: the one that was asked for; by a tag the one that the server names it by, if it is
  /// one of these bytes, else the SHA-256.
  package var digest: Digest
  /// What the server called it by tag, where that is another digest than it has; nil: it did not.
  var misnomer: Misnomer?

  /// That a server announces another document than it sends: a cache that writes documents anew
  /// does, and one that has the head from another day.
  struct Misnomer: Sendable, Equatable {
    /// Who announced and sent what.
    let words: String
  }

  /// What it says.
  package var content: ImageDocument
  /// Seconds of a round trip to the server, where a connection was opened for it.
  package var roundTripSeconds: Double?
}

/// Judges an answer to a request for a manifest by its content.
///
/// A status of 200 means nothing by itself: mirrors send login pages, halves and other people's manifests.
struct DocumentJudge {
  let name: DocumentName
  /// Where the answer came from.
  let url: RemoteURL
  /// What was asked for, for errors.
  let what: String

  /// The server that answered.
  private var server: String { url.origin.authority }

  /// - Throws: `RegistryError` of kind `integrity` where the bytes are not those that were asked
  ///   for, `unusable` where they are no manifest; both are the fault of the server that is named.
  func judge(_ response: TransferResponse) throws(RegistryError) -> FetchedDocument {
    let data = try decoded(response)
    let contentType = response.head.fields["content-type"].map { MediaType(rawValue: $0) }
    let digest: Digest
    do throws(RegistryError) {
      digest = try self.digest(of: data, announced: announced(response.head))
    } catch {
      throw isPage(response, data) ? PageRule.error(url, what) : error
    }
    let misnomer = try misnomer(response.head, data)
    do throws(OCIError) {
      let content = try ImageDocument.parse(data, contentType: contentType)
      return FetchedDocument(
        data: data, contentType: contentType, digest: digest, misnomer: misnomer,
        content: content,
        roundTripSeconds: response.timing.roundTripSeconds)
    } catch {
      // Content with the right digest is what it is, whoever sends it.
      let isProven = if case .digest = name { true } else { false }
      guard isProven || Self.looksLikeManifest(data) else {
        if isPage(response, data) { throw PageRule.error(url, what) }
        // An error that is called a success.
        let said = ErrorBody(Array(data), contentType: nil).words.map { ": \($0)" } ?? ""
        throw RegistryError(
          .integrity,
          "\(server) sent something else for \(what) (\(Self.nature(of: data)))\(said)")
      }
      throw RegistryError(.unusable(error, isProven: isProven), "\(server), \(what): \(error)")
    }
  }

  private func isPage(_ response: TransferResponse, _ data: Data) -> Bool {
    PageRule.isPage(response) || PageRule.isPage(data)
  }

  /// Whether it is at least meant to be one, as opposed to a page, half a document or an error.
  private static func looksLikeManifest(_ data: Data) -> Bool {
    var isMeant = false
    var reader = JSONReader(data.withoutByteOrderMark)
    let isWhole = reader.whole {
      $0.members { name, reader in
        let name = JSONString.content(name)?.lowercased()
        isMeant =
          isMeant
          || ["schemaversion", "manifests", "layers", "config", "artifacttype"].contains(name)
        return reader.pass()
      }
    }
    return isWhole && isMeant
  }

  private static func nature(of data: Data) -> String {
    if data.isEmpty { return "nothing at all" }
    if ContentDecoding.isGzip(data) { return "\(data.count) bytes of gzip that are no manifest" }
    return "\(data.count) bytes that are no manifest"
  }

  /// The body as its digest is meant: as it came where that is right, else without its encoding,
  /// whether that is said or not.
  private func decoded(_ response: TransferResponse) throws(RegistryError) -> Data {
    let plain = Data(response.body)
    let encoding = response.head.fields["content-encoding"]
    guard encoding != nil || ContentDecoding.isGzip(plain) else { return plain }
    if case .digest(let wanted, _) = name, try Self.digest(plain, wanted.algorithm) == wanted {
      return plain
    }
    do throws(TransferError) {
      return Data(try response.documentBody(limit: RepositoryClient.documentLimit))
    } catch {
      throw RegistryError(.integrity, "\(server), \(what): \(error.message)")
    }
  }

  private func announced(_ head: ResponseHead) -> Digest? {
    head.fields["docker-content-digest"].flatMap { try? Digest($0) }
  }

  private func digest(of data: Data, announced: Digest?) throws(RegistryError) -> Digest {
    switch name {
    case .tag:
      // Where it is stored by another algorithm, it can be had by that digest alone.
      let own = try Self.digest(data, announced?.algorithm ?? .sha256)
      return try own == announced ? own : Self.digest(data, .sha256)
    case .digest(let wanted, let size):
      let own = try Self.digest(data, wanted.algorithm)
      guard own == wanted else {
        throw RegistryError(
          .integrity, "\(server) sent \(data.count) bytes with digest \(own) for \(what)")
      }
      if let size, size != Int64(data.count) {
        throw RegistryError(
          .unusable(
            .invalidDocument(reason: "it has \(data.count) bytes, its index says \(size)"),
            isProven: true), "\(what) has \(data.count) bytes, its index says \(size)")
      }
      return own
    }
  }

  private func misnomer(_ head: ResponseHead, _ data: Data) throws(RegistryError)
    -> FetchedDocument.Misnomer?
  {
    // What was asked for by its digest is proven already, whatever the server calls it.
    guard case .tag = name, let announced = announced(head) else { return nil }
    let own = try Self.digest(data, announced.algorithm)
    guard own != announced else { return nil }
    return .init(words: "\(server) announced \(announced) for \(what), but sent \(own)")
  }

  private static func digest(_ data: Data, _ algorithm: Digest.Algorithm)
    throws(RegistryError) -> Digest
  {
    do {
      return try Digest.of(data, algorithm)
    } catch {
      throw RegistryError(.protocolError(transient: false), "no digest can be made: \(error)")
    }
  }
}

extension TransferResponse {
  /// Most bytes that the document may have which this is, once it is unpacked.
  ///
  /// - Parameter limit: most bytes that one may have at all.
  func documentLength(limit: Int) -> Int {
    head.encoding != nil || ContentDecoding.isGzip(body) ? max(limit, body.count) : body.count
  }

  /// The body of a document without its encodings: no document begins as gzip does, so what begins like that
  /// was packed without a word, or once more than is said.
  ///
  /// - Parameter limit: most bytes of it.
  func documentBody(limit: Int) throws(TransferError) -> [UInt8] {
    let content = try decodedBody(limit: limit)
    guard ContentDecoding.isGzip(content) else { return content }
    return (try? ContentDecoding.decode(content, encoding: "gzip", limit: limit)) ?? content
  }
}
