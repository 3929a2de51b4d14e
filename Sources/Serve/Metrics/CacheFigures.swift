import Metrics

/// What is counted of the cache.
package struct CacheFigures: Sendable {
  /// Bytes in it.
  package var bytes: Int64 = 0
  /// Bytes that it may have; nil: as many as the disk has.
  package var limit: Int64?
  /// Blobs and manifests that were there when they were asked for.
  package var hits: Int64 = 0
  /// Those that had to be fetched.
  package var misses: Int64 = 0
  /// Blobs that were removed.
  package var evictions: Int64 = 0
  /// Bytes of those.
  package var evictedBytes: Int64 = 0

  var families: [MetricFamily] {
    var shown = [MetricFamily("cairn_cache_bytes", "Bytes in the cache.", .gauge, Double(bytes))]
    if let limit {
      shown += [
        MetricFamily(
          "cairn_cache_limit_bytes", "Bytes that the cache may have.", .gauge, Double(limit))
      ]
    }
    return shown + [
      MetricFamily(
        "cairn_cache_hits_total", "What was in the cache when it was asked for.", .counter,
        Double(hits)),
      MetricFamily(
        "cairn_cache_misses_total", "What had to be fetched.", .counter, Double(misses)),
      MetricFamily(
        "cairn_cache_evictions_total", "Blobs removed from the cache.", .counter,
        Double(evictions)),
      MetricFamily(
        "cairn_cache_evicted_bytes_total", "Bytes removed from the cache.", .counter,
        Double(evictedBytes)),
    ]
  }
}
