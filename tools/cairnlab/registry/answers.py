"""What can go wrong with an answer of the fault server, by name."""
import email.utils
import gzip
import time


class Gone(Exception):
    """The client has closed the connection, or a fault has."""


def cut(share, ending):
    """The head and a share of the body, then the end of the connection."""
    def fault(server, connection, request, status, fields, body, argument):
        keep = max(0, len(body) - 1) if share is None else int(
            len(body) * (share if argument is None else argument))
        server.reply(connection, request, status, fields, body[:keep], length=len(body))
        ending(connection)
    return fault


def gone(connection):
    raise Gone


def reset(server, connection, *_):
    connection.reset()


def cut_head(server, connection, request, *_):
    connection.send(b"HTTP/1.1 206 Partial Con")
    raise Gone


def silence(server, connection, *_):
    connection.hang()


def stall(server, connection, request, status, fields, body, argument):
    server.reply(connection, request, status, fields, body[:len(body) // 3], length=len(body))
    connection.hang()


def trickle(server, connection, request, status, fields, body, argument):
    server.reply(connection, request, status, fields, b"", length=len(body))
    for index in range(len(body)):
        connection.send(body[index:index + 1], request)
        time.sleep(0.1)
        if server.stopped:
            raise Gone


def fail(status, message="a fault", **fields):
    def fault(server, connection, request, *_):
        server.error(connection, request, status, message,
                     {name.replace("_", "-"): value for name, value in fields.items()})
    return fault


def retry_at_date(server, connection, request, *_):
    server.error(connection, request, 429, "slow down", {
        "Retry-After": email.utils.formatdate(time.time() + 2, usegmt=True)})


def whole(server, connection, request, status, fields, body, argument):
    if request.range is None:
        request.fault = None
    server.reply(connection, request, 200, {}, server.blobs.get(request.digest, body))


def late(server, connection, request, status, fields, body, argument):
    """A right answer, so many seconds later."""
    time.sleep(argument)
    server.reply(connection, request, status, fields, body)


def ranged(make):
    """A 206 whose range is not the one asked for; other answers stay right."""
    def fault(server, connection, request, status, fields, body, argument):
        if status != 206:
            request.fault = None
            return server.reply(connection, request, status, fields, body)
        data, (start, _) = server.blobs[request.digest], request.range
        server.reply(connection, request, 206, *make(data, start, body))
    return fault


def shifted(by):
    def make(data, start, body):
        begin = max(0, start + by)
        part = data[begin:begin + len(body)]
        return {"Content-Range": f"bytes {begin}-{begin + len(part) - 1}/{len(data)}"}, part
    return ranged(make)


def fewer(data, start, body):
    part = body[:max(1, len(body) // 3)]
    return {"Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(data)}"}, part


def wrong_length(by):
    """A body of another length than asked for, and a head that says so."""
    def fault(server, connection, request, status, fields, body, argument):
        server.reply(connection, request, status, fields, body[:by] if by < 0 else body + b"x" * by)
    return fault


def compressed(server, connection, request, status, fields, body, argument):
    packed = gzip.compress(body, 1)
    server.reply(connection, request, status, {**fields, "Content-Encoding": "gzip"}, packed)


def flip(server, connection, request, status, fields, body, argument):
    # At its beginning: its end may be split off for another request, and then nobody takes it from here.
    server.reply(connection, request, status, fields, bytes([body[0] ^ 4]) + body[1:])


def redirect(target):
    def fault(server, connection, request, *_):
        location = target.format(origin=server.origin, path=request.path)
        server.reply(connection, request, 307, {"Location": location})
    return fault


def portal(server, connection, request, *_):
    server.reply(connection, request, 200, {"Content-Type": "text/html"},
                 b"<html>Welcome to the hotel's network</html>")


# Faults of content: they need an answer that has some.
OF_CONTENT = {"cut body", "reset body", "last byte", "stall", "trickle", "200 for a range",
              "206 of another range", "206 that overlaps",
              "206 without Content-Range", "206 of fewer bytes", "shorter body", "longer body",
              "gzip in transit", "flipped bit"}
FAULTS = {
    "reset": reset, "cut head": cut_head, "cut body": cut(0.5, gone),
    "reset body": cut(0.5, lambda connection: connection.reset()),
    "last byte": cut(None, gone), "silence": silence, "stall": stall, "trickle": trickle,
    "200 for a range": whole, "206 of another range": shifted(1), "206 that overlaps": shifted(-100),
    "206 without Content-Range": ranged(lambda data, start, body: ({}, body)),
    "206 of fewer bytes": ranged(fewer),
    "416": fail(416), "401": fail(401, "who are you"), "403": fail(403, "expired"),
    "404": fail(404, "blob unknown"),
    "408": fail(408), "429": fail(429), "429 in seconds": fail(429, Retry_After="1"),
    "429 at a date": retry_at_date,
    "429 for a day": fail(429, Retry_After="86400"),
    "429 of nonsense": fail(429, Retry_After="soon, perhaps"),
    "500": fail(500), "502": fail(502), "503": fail(503), "504": fail(504), "late": late,
    "shorter body": wrong_length(-7), "longer body": wrong_length(7), "gzip in transit": compressed,
    "flipped bit": flip, "redirect in a circle": redirect("{origin}{path}"),
    "redirect to a file": redirect("file:///etc/passwd"),
    "redirect to metadata": redirect("http://169.254.169.254/latest"), "captive portal": portal,
    "not HTTP": lambda server, connection,
    *_: (connection.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), gone(connection)),
}
