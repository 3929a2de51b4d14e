import CCurl
import FoundationEssentials
import Transfer

/// What a handshake of TLS showed of a server, beside libcurl's words.
struct HandshakeSight {
  /// Whether a connection was made, and the handshake begun.
  var isBegun = false
  /// Whether it asked for a certificate of ours, and there was none.
  var isAsked = false
  /// The names that its certificate is for; empty: not known.
  var names = ""
  /// When the certificate that was refused is valid; nil: not known.
  var dates: (from: Date, until: Date)?

  /// Nothing was seen.
  init() {}

  /// What was seen in the handshake of a transfer.
  init(_ number: UInt64, in sights: OpaquePointer) {
    isBegun = cairn_sights_is_begun(sights, number) != 0
    isAsked = cairn_sights_is_asked(sights, number) != 0
    var text = [CChar](repeating: 0, count: 200)
    cairn_sights_names(sights, number, &text, text.count)
    names = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    var (from, until): (Int64, Int64) = (0, 0)
    if cairn_sights_dates(sights, number, &from, &until) != 0 {
      dates = (
        Date(timeIntervalSince1970: Double(from)), Date(timeIntervalSince1970: Double(until))
      )
    }
  }

  /// What it adds to libcurl's words about a failure.
  ///
  /// - Parameters:
  ///   - kind: what failed.
  ///   - now: by this machine's clock.
  func words(_ kind: TransferError.Kind, now: Date) -> String {
    switch kind {
    case .wrongName where !names.isEmpty: " (the certificate is for \(names))"
    case .wrongDate:
      dates.map {
        " (it is valid from \(Self.text($0.from)) to \(Self.text($0.until)), "
          + "and this machine's clock says \(Self.text(now)))"
      } ?? ""
    default: ""
    }
  }

  private static func text(_ date: Date) -> String {
    date.formatted(.iso8601.year().month().day())
  }
}
