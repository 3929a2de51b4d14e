import Testing

/// A kind of server, as a page of facts: what is special about it, each with where that is written.
///
/// Without a fact it is a good registry that asks nobody who they are, and knows ranges. A test puts
/// it into an `Enclosure`, where it serves an image on loopback.
struct Animal: Sendable, CustomTestStringConvertible {
  /// As people call it.
  let name: String
  /// What is special about it, in a few words for `docs/zoo.md`.
  let special: String
  /// What it does otherwise than a plain registry; a later one has the last word.
  var facts: [Fact]
  /// What comes of a pull without credentials.
  var anonymous = Outcome.image
  /// What comes of a pull with the keeper's credentials.
  var known = Outcome.image
  /// What comes of a pull with wrong credentials; nil: it is refused where any are asked for.
  var wrong: Outcome?

  init(
    _ name: String, _ special: String, anonymous: Outcome = .image, known: Outcome = .image,
    wrong: Outcome? = nil, facts: [Fact]
  ) {
    self.name = name
    self.special = special
    self.anonymous = anonymous
    self.known = known
    self.wrong = wrong
    self.facts = facts
  }

  /// What the facts come to.
  var dialect: Dialect {
    var dialect = Dialect()
    for fact in facts { fact.change(&dialect) }
    return dialect
  }

  /// What comes of a pull with wrong credentials.
  var wrongOutcome: Outcome {
    if let wrong { return wrong }
    if case .open = dialect.auth { return .image }
    return .refused
  }

  /// The same with a few more facts, for example the habit of a report.
  func with(_ more: Fact...) -> Animal {
    var animal = self
    animal.facts += more
    return animal
  }

  /// The same as seen through something that stands in front of it.
  func behind(_ between: Animal) -> Animal {
    var animal = Animal(
      "\(name) behind \(between.name)", between.special, anonymous: between.anonymous,
      known: between.known, facts: facts + between.facts)
    if between.anonymous == .image { animal.anonymous = anonymous }
    if between.known == .image { animal.known = known }
    return animal
  }

  var testDescription: String { name }
}
