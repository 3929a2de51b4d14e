import Testing

@testable import CurlTransfer

@Suite("Work time")
struct WorkTimeTests {
  @Test("what has not ended counts up to the moment that is asked about")
  func goesOn() {
    let work = WorkTime()
    #expect(work.seconds(at: 5) == 0)
    work.begin(at: 10)
    #expect(work.seconds(at: 13) == 3)
    work.end(at: 14)
    #expect(work.seconds(at: 20) == 4)
    work.begin(at: 30)
    #expect(work.seconds(at: 31) == 5)
  }

  @Test("an end without a beginning, and a clock that goes back, count nothing")
  func odd() {
    let work = WorkTime()
    work.end(at: 3)
    work.begin(at: 5)
    #expect(work.seconds(at: 4) == 0)
    work.end(at: 4)
    #expect(work.seconds(at: 9) == 0)
  }
}
