"""What crowds of pulls came to, as tables: the words of tools/bench-crowd."""
import statistics

from cairnlab.bench import crowd, pulls


def row(*cells):
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def head(*cells):
    row(*cells)
    row(*("---" for _ in cells))


def ms(seconds):
    return "-" if seconds is None else f"{seconds * 1e3:.1f}"


def final_sizes(machines):
    return ", ".join(str(steps[-1][1]) for steps in machines if steps)


def show_figures(outcomes, simulated):
    print("\n### Shares\n")
    head("where", "seed", "Jain of bytes at 30 s", "Jain of rates, settled", "slowest of mean", "utilisation",
         "mean pool", "pool at the end", "first has all at")
    for seed, one in enumerate(outcomes, 1):
        row("lab", seed, f"{one['jainBytes']:.3f}", f"{one['jainRates']:.3f}",
            f"{min(one['rates']) / statistics.mean(one['rates']):.2f}", f"{one['utilisation']:.3f}",
            f"{one['meanPool']:.1f}", final_sizes([pull["steps"] for pull in one["pulls"]]),
            f"{one['over']:.1f}")
    for seed, (figures, machines) in enumerate(simulated, 1):
        row("simulator", seed, "", f"{figures['jain']:.3f}", "", f"{figures['utilisation']:.3f}",
            f"{figures['meanPool']:.1f}", final_sizes([steps for _, steps in machines]), "")
    for one in outcomes:
        if "late" in one:
            parts = {"first10": "its first 10 s", "then": "from then on"}
            print("\nWho came late got of the others' mean: "
                  + ", ".join(f"{share:.2f} in {parts[name]}" for name, share in one["late"].items()))


def show_trips(outcomes):
    """What connections read, against what a datagram really takes at the time."""
    print("\n### Round trips in the lab, ms: medians over pulls and samples\n")
    head("seed", "from", "to", "a datagram's", "least of a sample", "its middle", "its most less its least",
         "least of their lives", "first byte")
    for seed, one in enumerate(outcomes, 1):
        for begin, end in crowd.PHASES:
            if begin >= one["over"]:
                continue
            echo = crowd.middle(trip for at, trip in one["echo"] if begin <= at < end)
            first = crowd.middle(
                seconds for pull in one["pulls"] for at, seconds in pull["firstByte"] if begin <= at < end)
            row(seed, begin, f"{min(end, one['over']):.0f}", ms(echo),
                *(ms(crowd.spread_of(one, pick, begin, end)) for pick in (
                    lambda r: r[1], lambda r: r[2], lambda r: r[3] - r[1], lambda r: r[4])), ms(first))
    print("\nThe least round trip that each pull ever knew, ms: " + "; ".join(
        ", ".join(ms(min(known)) for known in (
            [min(r[1], r[4] or r[1]) for r in pull["readings"]] for pull in one["pulls"]) if known)
        for one in outcomes))


def show_machine(outcomes):
    print("\n### Losses and this machine\n")
    head("seed", "packets", "dropped", "sent again", "timeouts", "slow starts left for delay, train",
         "connections", "longest queue, KiB", "pulls' cores", "emulator's core", "the lab's cores",
         "waited for a core, of its work", "machine busy", "longest sleep, ms")
    for seed, one in enumerate(outcomes, 1):
        load, senders = one["load"], one["senders"]
        row(seed, one["packets"], f"{one['dropped']} ({one['dropped'] / one['packets'] * 100:.2f} %)",
            senders["RetransSegs"], senders["TCPTimeouts"],
            f"{senders['TCPHystartDelayDetect']}, {senders['TCPHystartTrainDetect']}", one["connections"],
            f"{one['longestQueue'] / 1024:.0f}",
            *(f"{load[name]:.2f}" for name in ("pulls", "emulator", "cores")),
            f"{load['waited'] * 100:.0f} %", f"{load['busy'] * 100:.0f} %",
            f"{one['longestSleepMs']:.1f}")


def show_details(outcomes, simulated):
    for seed, one in enumerate(outcomes, 1):
        print(f"\n### Lab, seed {seed}: pool sizes\n\n```")
        for number, pull in enumerate(one["pulls"], 1):
            print(
                f"pull {number}, began at {pull['began']:.2f} s, {pull['bytes'][-1] / 1e6:.1f} MB by the end")
            print(pulls.shown(pull["steps"]))
        print("```")
    machines = simulated[0][1]
    print("\n### Simulator, seed 1: pool sizes\n\n```")
    for number, (began, steps) in enumerate(machines, 1):
        print(f"machine {number}, began at {began:.2f} s")
        print(pulls.shown(steps))
    print("```")
