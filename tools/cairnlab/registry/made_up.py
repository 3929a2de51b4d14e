"""A registry on loopback whose layers are nowhere: for images that no disk need have twice."""
import contextlib
import hashlib
import http.server
import random
import threading


class MadeUp:
    """A registry whose layers are nowhere: each is a block of random bytes over and over, begun at another place."""

    BLOCK = 64 << 20

    def __init__(self, layers, size):
        self.size = size
        block = random.Random(7).randbytes(self.BLOCK)
        self.bytes = memoryview(block + block)
        self.digests = []
        for number in range(layers):
            hashed = hashlib.sha256()
            for start in range(0, size, self.BLOCK):
                hashed.update(self.part(number, start, min(size, start + self.BLOCK)))
            self.digests.append("sha256:" + hashed.hexdigest())

    def part(self, number, start, end):
        """Bytes of a layer, at most a block of them."""
        first = (start + 4097 * number) % self.BLOCK
        return self.bytes[first:first + end - start]

    def __enter__(self):
        made = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *words):
                pass

            def do_GET(self):
                digest = self.path.partition("?")[0].rpartition("/")[2]
                if digest not in made.digests:
                    self.send_response(404)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                start, end = 0, made.size
                asked = self.headers.get("Range", "").partition("=")[2].split("-")
                if len(asked) == 2:
                    start, end = int(asked[0]), min(made.size, int(asked[1] or made.size) + 1)
                self.send_response(206 if len(asked) == 2 else 200)
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{made.size}")
                self.send_header("Content-Length", str(end - start))
                self.end_headers()
                number = made.digests.index(digest)
                # Whoever has enough closes the connection.
                with contextlib.suppress(ConnectionError):
                    while start < end:
                        step = min(end, start + (1 << 20))
                        self.wfile.write(made.part(number, start, step))
                        start = step

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self.server.shutdown()
        self.server.server_close()
