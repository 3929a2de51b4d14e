import CCurl
import Testing
import Transfer

@testable import CurlTransfer

/// What libcurl's codes and words come to.
@Suite("libcurl's failures")
struct CurlFailureTests {
  @Test(
    "a proxy's considered answer ends it, what passes does not",
    arguments: [
      (407, TransferError.Kind.proxyRefused), (302, .proxyRefused), (403, .proxyRefused),
      (429, .proxy), (502, .proxy), (408, .proxy),
    ])
  func proxyAnswers(status: Int, kind: TransferError.Kind) {
    let words = "CONNECT tunnel failed, response \(status)"
    #expect(TransferError.Kind(CURLE_RECV_ERROR, errno: 0, detail: words) == kind)
  }

  @Test(
    "a server that ends the handshake is told from one that is not trusted",
    arguments: [
      (
        CURLE_RECV_ERROR, "SSL routines::tlsv13 alert certificate required, errno 0",
        TransferError.Kind.tlsRefused
      ),
      (CURLE_SSL_CONNECT_ERROR, "SSL routines::sslv3 alert handshake failure", .tlsRefused),
      (CURLE_SSL_CONNECT_ERROR, "SSL routines::unsupported protocol", .tls),
      (CURLE_SSL_CONNECT_ERROR, "SSL routines::wrong version number", .notTLS),
      (CURLE_RECV_ERROR, "Recv failure: Connection reset by peer", .broken),
      (CURLE_PEER_FAILED_VERIFICATION, "SSL certificate problem: self-signed certificate", .tls),
      (
        CURLE_PEER_FAILED_VERIFICATION, "SSL certificate problem: certificate has expired",
        .wrongDate
      ),
      (
        CURLE_PEER_FAILED_VERIFICATION, "SSL certificate problem: certificate is not yet valid",
        .wrongDate
      ),
    ] as [(CURLcode, String, TransferError.Kind)])
  func handshakes(code: CURLcode, detail: String, kind: TransferError.Kind) {
    #expect(TransferError.Kind(code, errno: 0, detail: detail) == kind)
  }
}
