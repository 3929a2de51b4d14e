import Pull
import Testing

@Suite("Open files")
struct OpenFileBudgetTests {
  @Test("any limit leaves room for a blob and a connection, and is kept from 27 on")
  func fits() {
    for limit in 0...5_000 {
      let budget = OpenFileBudget(limit: limit)
      #expect(budget.blobs >= 1 && budget.connections >= 1)
      #expect(2 * budget.blobs + budget.connections <= max(3, limit - 24))
    }
  }

  @Test("the usual limits leave room for many", arguments: [(256, 58, 116), (1024, 160, 680)])
  func usual(limit: Int, blobs: Int, connections: Int) {
    let budget = OpenFileBudget(limit: limit)
    #expect(budget.blobs == blobs && budget.connections == connections)
  }
}
