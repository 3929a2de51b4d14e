"""What of a model the lab carries out, by its emulator or a slow server, and what it does not."""
# Of a packet of the standard MTU this much is TCP's payload: the lab counts packets, the simulator payload.
PAYLOAD = 1448 / 1500
# What the lab does not emulate, because these describe machines and not links.
IGNORED = {
    "perConnectionBySecond": "the link gives each connection its rate smoothly; tools/bench-pool has nginx "
                             "limit_rate",
    "timingNoiseMs": "the machine's own timing",
    "hystart": "the kernel's own setting",
    "server.responseMs": "the server's own time to answer",
    "server.rateMbit": "the server sends as fast as it can",
    "client": "this machine's own CPU and disk",
}

# These are emulated where the model's server slows down, by a server of ours.
BY_SLOW_SERVER = {"server.responseMs", "server.rateMbit"}


def not_emulated(model):
    """The fields of a model that the lab leaves out, with the reason."""
    found = {}
    for name, reason in IGNORED.items():
        if name in BY_SLOW_SERVER and slow_server(model):
            continue
        value = model
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            found[name] = reason
    return found


def slow_server(model):
    """What a server that slows down is to be like (see `SlowServer`); None where the model's does not."""
    server = model.get("server", {})
    beyond = server.get("overloadBeyond")
    if beyond is None:
        return None
    rate, cap = server.get("rateMbit"), model.get("perConnectionMbit")
    peak = min(model["bandwidthMbit"], *([rate] if rate else []), *([beyond * cap] if cap else []))
    # Whole packets on the link; a server sends what is in them.
    to_bytes = 1e6 / 8 * PAYLOAD
    return {
        "beyond": beyond, "slope": server.get("overloadSlope", 0), "peak": peak * to_bytes,
        "rate": rate and rate * to_bytes, "response": server.get("responseMs", 0) / 1e3}
