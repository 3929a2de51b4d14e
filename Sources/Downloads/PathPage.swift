import Tuning

/// A stretch of a path's life that is told to the history as one: from its beginning, or from where
/// the last one ended.
///
/// A service that is never idle has no end at which it could tell what it learned.
struct PathPage: Sendable {
  /// Where it begins, in the path's own time.
  var start = Moment.zero
  /// Bytes that had come before.
  var bytes: Int64 = 0

  /// A moment in the page's own time.
  func time(_ moment: Moment) -> Moment {
    Moment(nanoseconds: max(0, moment.nanoseconds - start.nanoseconds))
  }

  /// What the policy saw, as if the path had begun with the page.
  func sample(_ sample: Sample) -> Sample {
    var sample = sample
    sample.now = time(sample.now)
    sample.bytesDone -= bytes
    for index in sample.refusals.indices {
      sample.refusals[index].at = time(sample.refusals[index].at)
    }
    return sample
  }
}
