import ArgumentParser
import FoundationEssentials
import Glibc
import Simulation

/// Joins two network namespaces by a link as a model describes it; `tools/linklab` starts it.
@main
struct LinkEmulator: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "link-emulator",
    abstract: "Join two network namespaces by an emulated link.",
    discussion: """
      Makes two TUN devices in this network namespace, writes "ready", and carries packets between them
      as the model says until standard input ends. Whoever started it moves a device to another
      namespace. A line "restart SEED" on standard input begins the model's time, its random choices and
      the counters again; "counters" shows them as JSON.
      """)

  @Option(help: "A link model's file.")
  var model: String

  @Option(help: "Name of the device on the client's side.")
  var clientDevice: String

  @Option(help: "Name of the device on the server's side.")
  var serverDevice: String

  func run() throws {
    let link = try readModel()
    let client = try TunDevice(name: clientDevice)
    let server = try TunDevice(name: serverDevice)
    beOnTime()
    var emulator = Emulator(model: link, client: client, server: server)
    print("ready")
    fflush(nil)
    emulator.run()
  }

  private func readModel() throws -> LinkModel {
    do {
      return try LinkModel(json: Data(contentsOf: URL(filePath: model)))
    } catch {
      throw EmulatorError("\(model): \(error)")
    }
  }

  /// Wakes when asked and before other work, where this user may ask for that.
  private func beOnTime() {
    if let slack = fopen("/proc/self/timerslack_ns", "w") {
      fputs("1", slack)
      fclose(slack)
    }
    var priority = sched_param(sched_priority: 1)
    if sched_setscheduler(0, SCHED_RR, &priority) != 0 {
      perror("no real-time priority, so packets may be late while the machine is busy")
    }
  }
}
