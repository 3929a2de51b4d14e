import CCurl
import Foundation
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
    "time that is over before a connection was made is told from a handshake without an end",
    arguments: [
      ("Connection timeout after 15000 ms", false, TransferError.Kind.connect),
      ("Failed to connect to x port 443 after 15001 ms: Timeout was reached", false, .connect),
      ("Connection timed out after 1501 milliseconds", false, .connect),
      ("Connection timed out after 1501 milliseconds", true, .silentHandshake),
      ("SSL connection timeout", false, .silentHandshake),
      ("Proxy CONNECT aborted due to timeout", false, .silentHandshake),
    ])
  func timeouts(detail: String, isBegun: Bool, kind: TransferError.Kind) {
    let found = TransferError.Kind(
      CURLE_OPERATION_TIMEDOUT, errno: 0, detail: detail, isBegun: isBegun)
    #expect(found == kind)
  }

  @Test(
    "a server that ends the handshake is told from one that is not trusted",
    arguments: [
      (
        CURLE_RECV_ERROR, "SSL routines::tlsv13 alert certificate required, errno 0",
        TransferError.Kind.tlsRefused
      ),
      (CURLE_SSL_CONNECT_ERROR, "SSL routines::sslv3 alert handshake failure", .nothingInCommon),
      (CURLE_SSL_CONNECT_ERROR, "SSL routines::tlsv1 alert protocol version", .nothingInCommon),
      (CURLE_SSL_CONNECT_ERROR, "SSL routines::tlsv1 unrecognized name", .nothingInCommon),
      (CURLE_SSL_CONNECT_ERROR, "SSL routines::sslv3 alert bad certificate", .tlsRefused),
      (CURLE_SSL_CONNECT_ERROR, "SSL routines::tlsv1 alert unknown ca", .tlsRefused),
      (CURLE_SSL_CONNECT_ERROR, "SSL routines::unsupported protocol", .nothingInCommon),
      (
        CURLE_SSL_CONNECT_ERROR, "SSL routines::legacy sigalg disallowed or unsupported",
        .nothingInCommon
      ),
      (CURLE_SSL_CONNECT_ERROR, "SSL routines::dh key too small", .nothingInCommon),
      (CURLE_SSL_CONNECT_ERROR, "SSL routines::unexpected eof while reading", .broken),
      (CURLE_SSL_CONNECT_ERROR, "SSL routines::decryption failed or bad record mac", .broken),
      (
        CURLE_SSL_CONNECT_ERROR, "OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to x:443",
        .broken
      ),
      (CURLE_SSL_CONNECT_ERROR, "SSL routines::wrong version number", .notTLS),
      (CURLE_SSL_CERTPROBLEM, "unable to set private key file", .ownCertificate),
      (CURLE_RECV_ERROR, "Recv failure: Connection reset by peer", .broken),
      (CURLE_PEER_FAILED_VERIFICATION, "SSL certificate problem: self-signed certificate", .tls),
      (
        CURLE_PEER_FAILED_VERIFICATION, "SSL certificate problem: EE certificate key too weak",
        .nothingInCommon
      ),
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

  @Test("who asked for a certificate and ends the handshake wants one")
  func askedFor() {
    let words = "SSL routines::sslv3 alert handshake failure"
    #expect(
      TransferError.Kind(CURLE_SSL_CONNECT_ERROR, errno: 0, detail: words, isAsked: true)
        == .tlsRefused)
  }

  @Test("names and dates of a certificate stand beside what is wrong with them, and nowhere else")
  func sights() {
    var sight = HandshakeSight()
    let now = Date(timeIntervalSince1970: 1_800_000_000)
    #expect(sight.words(.wrongDate, now: now).isEmpty && sight.words(.wrongName, now: now).isEmpty)
    sight.names = "a.example, b.example"
    sight.dates = (Date(timeIntervalSince1970: 0), Date(timeIntervalSince1970: 86_400 * 365))
    #expect(
      sight.words(.wrongDate, now: now)
        == " (it is valid from 1970-01-01 to 1971-01-01, and this machine's clock says 2027-01-15)")
    #expect(
      sight.words(.wrongName, now: now) == " (the certificate is for a.example, b.example)")
    #expect(sight.words(.tls, now: now).isEmpty)
  }
}
