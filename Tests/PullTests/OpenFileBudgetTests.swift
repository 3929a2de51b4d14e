import Pull
import Testing

@Suite("Open files")
struct OpenFileBudgetTests {
  @Test("any limit leaves room for a blob and a connection, and is kept from 27 on")
  func fits() {
    for limit in 0...5_000 {
      let budget = OpenFileBudget(limit: limit)
      #expect(budget.blobs >= 1 && budget.connections >= 1)
      #expect(budget.workers >= 1 && budget.workers <= budget.connections)
      #expect(budget.callers >= 4 && 4 * budget.callers <= max(16, limit / 2))
      #expect(2 * budget.blobs + 3 * budget.connections <= max(5, limit - 24))
    }
  }

  @Test(
    "the usual limits leave room for many",
    arguments: [(256, 58, 34, 32), (1024, 160, 222, 128), (1_048_576, 160, .max, 512)])
  func usual(limit: Int, blobs: Int, workers: Int, callers: Int) {
    let budget = OpenFileBudget(limit: limit)
    #expect(budget.blobs == blobs && budget.callers == callers)
    #expect(workers == .max || budget.workers == workers)
  }
}
