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
      #expect(2 * budget.blobs + 3 * budget.connections <= max(5, limit - 24))
    }
  }

  @Test("the usual limits leave room for many", arguments: [(256, 58, 34), (1024, 160, 222)])
  func usual(limit: Int, blobs: Int, workers: Int) {
    let budget = OpenFileBudget(limit: limit)
    #expect(budget.blobs == blobs && budget.workers == workers)
  }
}
