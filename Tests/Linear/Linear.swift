import Foundation

/// Asks of every parser of outside text whether it costs more than its text is long.
///
/// `tools/linear` builds and runs it. Each parser gets each kind of nasty text in each of its
/// frames, with n, 2n, 4n and 8n bytes. Where twice the text costs over 2.6 times the CPU or
/// memory, however often it is measured, that is a failure; so it is where 4 MiB of nothing but small
/// values cost more than eight times as much memory (`Burden`).
@main
enum Linear {
  static func main() {
    var arguments = CommandLine.arguments.dropFirst()
    var (isQuick, only) = (false, "")
    while let argument = arguments.popFirst() {
      switch argument {
      case "--quick": isQuick = true
      case "--only": only = arguments.popFirst() ?? ""
      default:
        print("usage: Linear [--quick] [--only PART-OF-A-NAME]")
        exit(64)
      }
    }
    var (cases, slowest) = (0, (seconds: 0.0, name: ""))
    var failures: [String] = []
    for parser in Parser.all {
      for (row, frame) in parser.frames.enumerated() {
        for (column, nasty) in Nasty.all.enumerated() {
          // What is quick looks at every other kind in a frame, at the other ones in the next.
          guard !isQuick || row == 0 || (row + column) % 2 == 0 else { continue }
          let name = "\(parser.name) \(frame.name) \(nasty.name)"
          guard only.isEmpty || name.contains(only) else { continue }
          let measure = Measure(bytes: isQuick ? 8 << 10 : 256 << 10, withMemory: !isQuick) {
            parser.run(frame.text(nasty, $0))
          }
          cases += 1
          if measure.seconds > slowest.seconds { slowest = (measure.seconds, name) }
          guard let failure = measure.failure else { continue }
          failures.append("\(name): \(failure)")
          print("WRONG \(name): \(failure)")
        }
      }
    }
    let burden = Burden.look(only: only)
    cases += burden.cases
    failures += burden.failures
    for failure in burden.failures { print("WRONG \(failure)") }
    let slowness = String(format: "%.3f s", slowest.seconds)
    print(
      "\(cases) cases, \(failures.count) cost more than linear work; the slowest took \(slowness): \(slowest.name)"
    )
    exit(failures.isEmpty && cases > 0 ? 0 : 1)
  }
}
