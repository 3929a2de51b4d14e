/// What of a link changes with time, and what of that has happened.
struct LinkTimetable {
  private var changesDone = 0
  /// Connections of other people, by the place of their traffic in the model.
  private var crossFlows: [Int: [Int]] = [:]

  /// What other people's connections do now.
  enum CrossTraffic {
    /// So many begin, of the traffic at this place in the model.
    case begins(Int, flows: Int)
    /// These end.
    case ends([Int])
  }

  /// The changes that are due and have not been made.
  mutating func changes(of model: LinkModel, at now: Double) -> ArraySlice<LinkModel.Change> {
    let first = changesDone
    while changesDone < model.changes.count, model.changes[changesDone].at <= now {
      changesDone += 1
    }
    return model.changes[first..<changesDone]
  }

  /// The traffic that begins or ends now.
  mutating func traffic(of model: LinkModel, at now: Double) -> [CrossTraffic] {
    model.crossTraffic.enumerated().compactMap { number, traffic in
      let isOn = traffic.from <= now && now < traffic.until
      if isOn, crossFlows[number] == nil { return .begins(number, flows: traffic.flows) }
      return isOn ? nil : crossFlows.removeValue(forKey: number).map { .ends($0) }
    }
  }

  /// Notes the connections that carry a traffic.
  mutating func note(_ flows: [Int], of traffic: Int) { crossFlows[traffic] = flows }
}
