import Transfer

/// One asking of one endpoint, as whoever asks sees it.
struct Lane: Sendable {
  /// Says that the head of the content is here.
  let answered: @Sendable () -> Void
  /// Counts the content as it comes.
  let meter = ByteMeter()
  /// Which server is asked now: the endpoint itself, or where it redirected to.
  var place = Whereabouts()
}
