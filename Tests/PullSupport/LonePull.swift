package import Downloads
package import OCI
package import Progress
package import Pull
package import Scheduling
package import Tuning

/// A pull of one image in a run of its own, with what else a run decides.
@dynamicMemberLookup
package struct LonePull: Sendable {
  /// What is to be pulled.
  package var request: Puller.Request
  /// Decides the pool size.
  package var policy: any Policy
  /// What bounds the scheduler's choices.
  package var settings = SchedulerSettings()
  /// Told what the downloads were like when they have ended, well or not; not called where there were none.
  package var report: @Sendable (PullReport) -> Void = { _ in }
  /// Told every sample and decision, as they come.
  package var trace: (@Sendable (TraceStep) -> Void)?

  /// Makes one.
  package init(
    reference: Reference, platforms: ImageResolver.PlatformChoice, policy: any Policy
  ) {
    request = Puller.Request(reference: reference, platforms: platforms)
    self.policy = policy
  }

  /// What the request has.
  package subscript<Value>(dynamicMember member: WritableKeyPath<Puller.Request, Value>) -> Value {
    get { request[keyPath: member] }
    set { request[keyPath: member] = newValue }
  }
}

extension Puller {
  /// Pulls; cancelling the task interrupts it, and what arrived is kept.
  ///
  /// - Throws: `PullError`.
  package func pull(_ lone: LonePull) async throws(PullError) -> ProgressEvent.Summary {
    let plan = PathPlan(policy: lone.policy, settings: lone.settings, trace: lone.trace)
    let run = PullRun(store: store, display: display) { _, _ in plan }
    let outcome: Result<ProgressEvent.Summary, PullError>
    do throws(PullError) {
      outcome = .success(try await pull(lone.request, in: run))
    } catch {
      outcome = .failure(error)
    }
    for report in await run.close() { lone.report(report) }
    return try outcome.get()
  }
}
