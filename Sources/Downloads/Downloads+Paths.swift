package import Registry
import Tuning

/// Paths, from their first blob to the history.
extension Downloads {
  /// Ends pools that nobody has wanted anything from for a while: what is wanted next opens as warm
  /// as any other pull.
  func endIdlePools() async {
    for pool in pools.values {
      guard let idle = pool.clock.idleSeconds, idle >= limits.idleSeconds else { continue }
      await end(pool)
    }
  }

  /// Ends a pool, and tells what its path was like, once: while that takes its time, others may come to the
  /// same pool, and find it gone, or closed.
  func end(_ pool: PathPool) async {
    guard isOpen(pool) else { return }
    pools[pool.key] = nil
    overall.bytesOfEndedPools += pool.scheduler.bytesDone
    let telling = Task { await tell(of: pool) }
    told.underway[pool.number] = telling
    await telling.value
    told.underway[pool.number] = nil
  }

  private func tell(of pool: PathPool) async {
    let report = await report(of: pool)
    plans.remember(report.record, pool.key)
    // Nobody comes for what is still asked ahead.
    for source in pool.sources { await source.close() }
    if let ended { await ended(report) } else { told.reports.append(report) }
  }

  /// Whether a pool is still its path's: what is gone through may have ended meanwhile, and another begun.
  private func isOpen(_ pool: PathPool) -> Bool { pools[pool.key] === pool }

  /// Tells what paths that are never idle were like so far, and goes on with empty pages: what is
  /// kept of them does not grow.
  func turnPages() async {
    guard let ended else { return }
    for pool in pools.values where isOpen(pool) && pool.isPageFull(limits) {
      var report = pool.turnPage()
      await add(pool, to: &report)
      plans.remember(report.record, pool.key)
      await ended(report)
    }
  }

  /// What the downloads over a source's path were like so far; nil: there are none.
  package func report(of source: BlobSource) async -> PullReport? {
    guard let pool = pools[PathKey(source)] else { return nil }
    return await report(of: pool)
  }

  private func report(of pool: PathPool) async -> PullReport {
    var report = pool.report()
    await add(pool, to: &report)
    return report
  }

  /// Adds what only those who are asked know.
  private func add(_ pool: PathPool, to report: inout PullReport) async {
    report.tokenService = pool.tokenService
    for source in pool.sources where report.tokenService == nil {
      report.tokenService = await source.tokenService
    }
  }
}
