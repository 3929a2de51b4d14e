"""What is tried with each client of `cairn serve`. A case raises `Wrong` with what was seen; else it is
well.
"""
import concurrent.futures
import contextlib
import re
import threading
import time

from cairnlab.serve.scene import USER

# Heads, manifests and retries beside the blobs themselves.
ROOM = 96 << 10
# What is on its way of a request that ends early because another worker took over its end; on a slow line
# there are many.
CUT = 16 << 10


class Wrong(Exception):
    """What was seen, and should not have been."""


def expect(condition, text):
    if not condition:
        raise Wrong(text)


def pulled(peer, image, credentials=None):
    """Pulls, and looks at what the client has then."""
    end = peer.pull(image.name, credentials)
    expect(end.returncode == 0, f"exit code {end.returncode}: {end.stderr.strip()[-300:]}")
    missing = peer.expected(image) - peer.found(image.name)
    expect(not missing, f"the client lacks {sorted(missing)}")


def once(upstream, image):
    """The registry gave an image's bytes once, to nobody but the endpoint."""
    expect(not upstream.strangers(), f"past the endpoint: {upstream.strangers()}")
    most = image.size * 1.01 + ROOM + CUT * len(upstream.blob_requests())
    expect(upstream.relay.received <= most,
           f"{upstream.relay.received} bytes from the registry for {image.size}")
    expect(upstream.relay.received >= image.size, f"only {upstream.relay.received} bytes from the registry")


@contextlib.contextmanager
def paced(upstream, rate=24 << 20):
    """A line of so many bytes a second: without one, megabytes wait in the sockets of whatever request ends
    early, and count.
    """
    upstream.relay.rate = rate
    try:
        yield
    finally:
        upstream.relay.rate = None


class Cases:
    """The cases, for one kind of client."""

    def __init__(self, site, kind, folder):
        self.site, self.kind, self.folder = site, kind, folder
        self.endpoint = site.endpoint_of(kind)
        self.number = 0

    def peer(self, **options):
        self.number += 1
        return self.kind(self.folder / f"{self.kind.__name__.lower()}{self.number}", self.endpoint, **options)

    def fresh(self):
        """An endpoint with an empty cache, and nothing counted."""
        self.endpoint.stop()
        self.endpoint.start()
        self.reset()

    def reset(self):
        for upstream in (self.site.public, self.site.private):
            upstream.relay.reset()
        self.endpoint.relay.reset()

    def cold(self):
        self.fresh()
        with self.peer() as peer, paced(self.site.public):
            pulled(peer, self.site.image)
        once(self.site.public, self.site.image)
        self.site.record(self.kind.name, self.endpoint)

    def warm(self):
        """After `cold`: another client, with nothing of its own."""
        self.reset()
        with self.peer() as peer:
            pulled(peer, self.site.image)
        asked = self.site.public.blob_requests()
        expect(not asked, f"{len(asked)} requests for blobs that are in the cache")

    def two_at_once(self):
        self.fresh()
        # Paced, so that they overlap.
        with (self.peer() as one, self.peer() as other, concurrent.futures.ThreadPoolExecutor(2) as pool,
              paced(self.site.public, 12 << 20)):
            ends = [pool.submit(pulled, peer, self.site.image) for peer in (one, other)]
            for end in ends:
                end.result()
        once(self.site.public, self.site.image)

    def killed(self):
        """`kill -9` in the middle; it is started again, and so is the pull where the client gave up."""
        self.fresh()
        relay, image = self.site.public.relay, self.site.image
        with self.peer() as peer:
            relay.rate = 6 << 20
            ends = []
            thread = threading.Thread(target=lambda: ends.append(peer.pull(image.name)))
            thread.start()
            end = time.monotonic() + 30
            while relay.received < image.size * 0.5 and time.monotonic() < end and thread.is_alive():
                time.sleep(0.005)
            workers = relay.open
            longest = max([length(one, image) for one in self.site.public.blob_requests()], default=0)
            self.endpoint.kill()
            relay.rate = None
            self.endpoint.start(fresh=False)
            thread.join()
            if ends[0].returncode != 0:
                pulled(peer, image)
        expect(not self.site.public.strangers(), f"past the endpoint: {self.site.public.strangers()}")
        most = image.size * 1.01 + ROOM + workers * longest
        expect(relay.received <= most,
               f"{relay.received} bytes for {image.size}, {workers} workers of {longest} bytes")

    def without_endpoint(self):
        """Nobody listens: the client goes on to the registry."""
        self.endpoint.stop()
        self.reset()
        with self.peer(alone=False) as peer:
            pulled(peer, self.site.image)
        self.endpoint.start()

    def private(self):
        self.fresh()
        with self.peer() as peer, paced(self.site.private):
            pulled(peer, self.site.private_image, USER)
        once(self.site.private, self.site.private_image)
        self.site.record(f"{self.kind.name}, private", self.endpoint)

    def stranger(self):
        """After `private`: what is cached is not for who may not have it upstream."""
        for credentials in (None, "user:wrong"):
            with self.peer() as peer:
                end = peer.pull(self.site.private_image.name, credentials)
                expect(end.returncode not in (0, None), f"{credentials}: exit code {end.returncode}")

    def all(self):
        """The cases with their names, in order."""
        cases = [("cold", self.cold), ("warm", self.warm), ("two at once", self.two_at_once),
                 ("killed, restarted", self.killed)]
        if self.kind.is_private:
            cases += [("private", self.private), ("a stranger", self.stranger)]
        if self.kind.form != "plain":
            cases += [("no endpoint", self.without_endpoint)]
        return cases


def length(request, image):
    """Bytes that a request for a blob asks for."""
    if match := re.fullmatch(r"bytes=(\d+)-(\d+)", request.header("range") or ""):
        return int(match[2]) - int(match[1]) + 1
    digest = request.target.partition("?")[0].rpartition("/")[2]
    return image.blobs.get(digest, 0)
