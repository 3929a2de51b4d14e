"""Servers that send frames of HTTP/2 that bring nothing, without a pause, for tests."""
import contextlib
import socket
import ssl
import struct
import threading


def frame(kind, flags, stream, content=b""):
    return struct.pack(">I", len(content))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + content


SETTINGS = frame(4, 0, 0)
# A head without fields but its status, 200, which HPACK's static table has; then data of no bytes.
HEAD = frame(1, 4, 1, b"\x88")
FLOODS = {
    "GOAWAY": (SETTINGS, frame(7, 0, 0, struct.pack(">II", 1, 0)) * 500),
    "DATA": (SETTINGS + HEAD, frame(0, 0, 1) * 500),
}


def converse(connection, first, rest):
    with contextlib.suppress(OSError), connection:
        connection.recv(4096)
        connection.sendall(first)
        while True:
            connection.sendall(rest)


@contextlib.contextmanager
def server(kind, certificate, key):
    """Listens on loopback with TLS and HTTP/2 alone; yields the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2"])
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                plain, _ = listener.accept()
                talk = context.wrap_socket(plain, server_side=True)
            except ssl.SSLError:
                continue
            except OSError:
                return
            if talk.selected_alpn_protocol() != "h2":
                talk.close()
                continue
            threading.Thread(target=converse, args=(talk, *FLOODS[kind]), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
